// Identity: what the kernel takes for the same object, and what not.
#include <doctest/doctest.h>

#include "common/model/netns_state.hpp"

namespace ambient::model {
namespace {

const IpAddress kV4 = IpAddress::v4(10, 0, 0, 1);
const IpAddress kV6 = IpAddress::loopback(Family::ipv6);

TEST_CASE("an IPv4 address is another one with another length; an IPv6 address is not") {
    CHECK_NE(key(InterfaceAddress{"a", kV4, 24}), key(InterfaceAddress{"a", kV4, 25}));
    CHECK_EQ(key(InterfaceAddress{"a", kV6, 64}), key(InterfaceAddress{"a", kV6, 65}));
    CHECK_NE(key(InterfaceAddress{"a", kV6, 64}), key(InterfaceAddress{"b", kV6, 64}));
}

TEST_CASE("a route is its table, destination, type of service and metric") {
    const Route route{.table = 100, .destination = Prefix::host(kV4), .link = "a"};
    auto other = route;
    other.link = "b";
    other.gateway = kV4;
    other.protocol = 3;
    other.beyond_model = "x";
    CHECK_EQ(key(route), key(other));
    other.metric = 1;
    CHECK_NE(key(route), key(other));
    other = route;
    other.tos = 0x10;
    CHECK_NE(key(route), key(other));
    other = route;
    other.table = 101;
    CHECK_NE(key(route), key(other));
}

TEST_CASE("a policy rule is all of it but its protocol") {
    const PolicyRule rule{.priority = 100, .mark = Mark::bits(1), .table = 7};
    auto other = rule;
    other.protocol = 3;
    CHECK_EQ(key(rule), key(other));
    for (const auto change : {0, 1, 2, 3, 4}) {
        other = rule;
        if (change == 0) other.family = Family::ipv6;
        if (change == 1) other.priority = 101;
        if (change == 2) other.mark.mask = 3;
        if (change == 3) other.table = 8;
        if (change == 4) other.beyond_model = "x";
        CHECK_NE(key(rule), key(other));
    }
}

TEST_CASE("sorting goes through every level, and leaves rules inside a chain alone") {
    const FilterRule accept{.matches = {}, .actions = {Accept{}}};
    const FilterRule count{.matches = {}, .actions = {Counter{}}};
    NetnsState state{
        .links = {{.name = "b"}, {.name = "a"}},
        .addresses = {{"b", kV4, 8}, {"a", kV6, 8}, {"a", kV4, 8}},
        .routes = {{.table = 2}, {.table = 1, .metric = 2}, {.table = 1}},
        .rules = {{.priority = 2}, {.priority = 1}},
        .sysctls = {{"b", "1"}, {"a", "1"}},
        .tables = {{.id = {.name = "u"}},
                   {.id = {.name = "t"},
                    .sets = {{.name = "s"},
                             {.name = "r", .elements = {{IpAddress::v4(10, 0, 0, 2)}, {kV4}}}},
                    .chains = {{.name = "d"}, {.name = "c", .rules = {count, accept}}}}}};
    sort(state);
    const NetnsState sorted{
        .links = {{.name = "a"}, {.name = "b"}},
        .addresses = {{"a", kV4, 8}, {"a", kV6, 8}, {"b", kV4, 8}},
        .routes = {{.table = 1}, {.table = 1, .metric = 2}, {.table = 2}},
        .rules = {{.priority = 1}, {.priority = 2}},
        .sysctls = {{"a", "1"}, {"b", "1"}},
        .tables = {{.id = {.name = "t"},
                    .sets = {{.name = "r", .elements = {{kV4}, {IpAddress::v4(10, 0, 0, 2)}}},
                             {.name = "s"}},
                    .chains = {{.name = "c", .rules = {count, accept}}, {.name = "d"}}},
                   {.id = {.name = "u"}}}};
    CHECK_EQ(state, sorted);
}

}  // namespace
}  // namespace ambient::model
