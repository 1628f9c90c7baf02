#include "common/kernel/restorable.hpp"

#include <doctest/doctest.h>

namespace ambient {
namespace {

using namespace model;

const Route kSayable = {.table = 100, .destination = *Prefix::parse("10.0.0.1"), .link = "veth1"};
const Route kMultipath = {.table = 100,
                          .destination = *Prefix::parse("10.0.0.2"),
                          .link = "veth1",
                          .beyond_model = "10.0.0.2 nexthop"};

TEST_CASE("what the model can say is restored as it was") {
    NetnsState before;
    before.links = {{.name = "istioin", .kind = Geneve{.vni = 1000}}};
    before.routes = {kSayable};
    before.rules = {{.priority = 100}};
    before.sysctls = {{"net/ipv4/conf/veth1/rp_filter", "1"}};
    before.tables = {
        {.id = {.name = "ambient"}, .sets = {}, .chains = {{.name = "c", .rules = {{}}}}}};
    NetnsState now;
    now.sysctls = {{"net/ipv4/conf/veth1/rp_filter", "2"}};
    CHECK_EQ(restorable(before, now), before);
}

TEST_CASE("a sysctl whose device is gone has nothing to restore") {
    NetnsState before;
    before.sysctls = {{"net/ipv4/conf/a/rp_filter", "1"}, {"net/ipv4/conf/b/rp_filter", "1"}};
    NetnsState now;
    now.sysctls = {{"net/ipv4/conf/b/rp_filter", "2"}};
    NetnsState expected;
    expected.sysctls = {before.sysctls[1]};
    CHECK_EQ(restorable(before, now), expected);
}

TEST_CASE("an IPv4 address that was lent to a device of others stays") {
    const InterfaceAddress lent{
        .link = "veth1", .address = *IpAddress::parse("192.168.126.1"), .prefix_length = 32};
    const InterfaceAddress own{
        .link = "istioin", .address = *IpAddress::parse("192.168.126.1"), .prefix_length = 30};
    const InterfaceAddress ipv6{
        .link = "lo", .address = *IpAddress::parse("::6"), .prefix_length = 128};
    NetnsState now;
    now.links = {{.name = "istioin", .kind = Geneve{.vni = 1000}}};
    now.addresses = {lent, own, ipv6};
    NetnsState expected;
    expected.addresses = {lent};
    CHECK_EQ(restorable({}, now), expected);
}

TEST_CASE("what it cannot say is left as it is now") {
    NetnsState before;
    before.links = {{.name = "istioin", .kind = OtherLink{"bridge"}},
                    {.name = "istioout", .kind = Veth{}}};
    before.routes = {kSayable, kMultipath};
    before.rules = {{.priority = 100, .beyond_model = "100: from all blackhole"}};

    NetnsState gone;
    gone.routes = {kSayable};
    CHECK_EQ(restorable(before, {}), gone);

    NetnsState now = before;
    now.links[0].up = true;
    now.routes[1].link = "veth2";
    now.rules[0].protocol = 3;
    CHECK_EQ(restorable(before, now), now);
}

TEST_CASE("a table with a rule that it cannot say") {
    const FilterRule foreign{.matches = {}, .actions = {}, .beyond_model = true};
    const FilterRule own{.matches = {}, .actions = {Drop{}}};
    NetnsState before;
    before.tables = {{.id = {.name = "ambient"},
                      .sets = {},
                      .chains = {{.name = "c", .rules = {own, foreign}}}}};

    SUBCASE("stays as it is now") {
        NetnsState now;
        now.tables = {{.id = {.name = "ambient"}, .sets = {}, .chains = {{.name = "d"}}}};
        CHECK_EQ(restorable(before, now), now);
    }
    SUBCASE("of the table itself: the same") {
        before.tables[0].chains[0].rules = {own};
        auto plain = before;
        before.tables[0].beyond_model = true;
        CHECK_EQ(restorable(before, before), before);
        CHECK_EQ(restorable(before, {}), plain);
    }
    SUBCASE("comes back without that rule when it is gone") {
        NetnsState expected = before;
        expected.tables[0].chains[0].rules = {own};
        CHECK_EQ(restorable(before, {}), expected);
    }
}

}  // namespace
}  // namespace ambient
