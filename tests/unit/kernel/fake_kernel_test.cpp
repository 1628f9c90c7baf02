// The kernel in memory refuses what the real one refuses: a fake that takes everything would prove
// nothing.
#include "tests/fake/fake_kernel.hpp"

#include <cerrno>

#include <doctest/doctest.h>

#include "common/json/state_json.hpp"

namespace ambient {
namespace {

using namespace model;
using plan::Plan;

const Link kIstioin = {.name = "istioin",
                       .kind = Geneve{.vni = 1000, .remote = IpAddress::v4(10, 244, 1, 10)},
                       .up = true};
const InterfaceAddress kAddress = {"istioin", IpAddress::v4(192, 168, 126, 1), 30};
const Route kRoute = {.table = 100,
                      .destination = Prefix::host(IpAddress::v4(10, 244, 1, 11)),
                      .protocol = 122,
                      .link = "istioin",
                      .gateway = IpAddress::v4(192, 168, 126, 2)};
const Scope kScope = {.protocol = 122,
                      .strays = true,
                      .links = {"istioin"},
                      .routes = {{.table = 100}},
                      .rule_priorities = {100},
                      .sysctls = {"net/ipv4/conf/istioin/rp_filter"},
                      .filter = {{.table = {.name = "ambient"}}}};

const TableId kTable = {.name = "t"};

int refusal(fake::FakeKernel& kernel, const Plan& plan) {
    const auto applied = kernel.apply(plan);
    return applied ? 0 : applied.error().error.errno_value;
}

TEST_CASE("links: one of a name, one a tunnel, no change of the tunnel") {
    fake::FakeKernel kernel({}, {.links = {"veth1"}});
    REQUIRE(kernel.apply({plan::CreateLink{kIstioin}}));
    CHECK_EQ(refusal(kernel, {plan::CreateLink{kIstioin}}), EEXIST);
    auto other = kIstioin;
    other.name = "veth1";
    CHECK_EQ(refusal(kernel, {plan::CreateLink{other}}), EEXIST);
    other.name = "istioout";
    CHECK_EQ(refusal(kernel, {plan::CreateLink{other}}), EBUSY);
    CHECK_EQ(refusal(kernel, {plan::ChangeLink{other, other}}), ENODEV);
    auto changed = kIstioin;
    changed.kind = Geneve{.vni = 7, .remote = IpAddress::v4(10, 244, 1, 10)};
    CHECK_EQ(refusal(kernel, {plan::ChangeLink{changed, kIstioin}}), EOPNOTSUPP);
}

TEST_CASE(
    "a deleted link takes its addresses, routes and sysctls with it; a second time is no error") {
    fake::FakeKernel kernel;
    REQUIRE(kernel.apply({plan::CreateLink{kIstioin}, plan::AddAddress{kAddress},
                          plan::PutRoute{kRoute},
                          plan::SetSysctl{{"net/ipv4/conf/istioin/rp_filter", "2"}}}));
    CHECK_EQ(kernel.observe(kScope)->sysctls.at(0).value, "2");
    REQUIRE(kernel.apply({plan::DeleteLink{kIstioin}}));
    CHECK_EQ(kernel.state(), NetnsState{});
    CHECK(kernel.apply({plan::DeleteLink{kIstioin}}));
}

TEST_CASE("a link that goes down loses its routes and IPv6 addresses") {
    fake::FakeKernel kernel;
    const InterfaceAddress address6{"istioin", *IpAddress::parse("fd00:126::1"), 126};
    REQUIRE(kernel.apply({plan::CreateLink{kIstioin}, plan::AddAddress{kAddress},
                          plan::AddAddress{address6}, plan::PutRoute{kRoute}}));
    auto down = kIstioin;
    down.up = false;
    REQUIRE(kernel.apply({plan::ChangeLink{down, kIstioin}}));
    CHECK(kernel.state().routes.empty());
    CHECK_EQ(kernel.state().addresses, std::vector{kAddress});
}

TEST_CASE("addresses and routes need what they stand on") {
    fake::FakeKernel kernel;
    CHECK_EQ(refusal(kernel, {plan::AddAddress{kAddress}}), ENODEV);
    CHECK_EQ(refusal(kernel, {plan::PutRoute{kRoute}}), ENODEV);
    auto down = kIstioin;
    down.up = false;
    REQUIRE(kernel.apply({plan::CreateLink{down}}));
    CHECK_EQ(refusal(kernel, {plan::PutRoute{kRoute}}), ENETDOWN);
    REQUIRE(kernel.apply({plan::ChangeLink{kIstioin, down}}));
    CHECK_EQ(refusal(kernel, {plan::PutRoute{kRoute}}), ENETUNREACH);
    REQUIRE(kernel.apply({plan::AddAddress{kAddress}}));
    CHECK_EQ(refusal(kernel, {plan::AddAddress{kAddress}}), EEXIST);
    auto with_source = kRoute;
    with_source.source = IpAddress::v4(10, 244, 1, 1);
    CHECK_EQ(refusal(kernel, {plan::PutRoute{with_source}}), EINVAL);
    with_source.source = kAddress.address;
    CHECK(kernel.apply({plan::PutRoute{with_source}}));
    REQUIRE(kernel.apply({plan::DeleteAddress{kAddress}}));
    CHECK(kernel.state().routes.empty());
}

TEST_CASE("a rule exists whoever made it; a sysctl must exist") {
    fake::FakeKernel kernel;
    const PolicyRule rule{.priority = 100, .protocol = 3};
    auto ours = rule;
    ours.protocol = 122;
    REQUIRE(kernel.apply({plan::AddRule{rule}}));
    CHECK_EQ(refusal(kernel, {plan::AddRule{ours}}), EEXIST);
    CHECK_EQ(refusal(kernel, {plan::SetSysctl{{"net/ipv4/conf/no/rp_filter", "2"}}}), ENOENT);
}

struct Refused {
    const char* what;
    Plan plan;
    int code;
};

TEST_CASE("nf_tables refuses, and a transaction is all or nothing") {
    const FilterRule in_set{.matches = {InSet{.set = "pods4"}}, .actions = {}};
    const FilterRule in_set6{.matches = {InSet{.family = Family::ipv6, .set = "pods4"}},
                             .actions = {}};
    const FilterRule no_set{.matches = {InSet{.set = "none"}}, .actions = {}};
    const auto jump = [](const char* to) {
        return FilterRule{.matches = {}, .actions = {Jump{to}}};
    };
    fake::FakeKernel kernel;
    REQUIRE(kernel.apply({plan::CreateTable{kTable}, plan::CreateSet{kTable, "pods4"},
                          plan::CreateChain{kTable, "base", ChainHook{}},
                          plan::CreateChain{kTable, "sub", {}},
                          plan::ReplaceRules{kTable, "base", {in_set, jump("sub")}},
                          plan::AddElement{kTable, "pods4", {IpAddress::v4(10, 0, 0, 1), "old"}}}));
    const auto before = kernel.state();
    const IpAddress v6 = IpAddress::loopback(Family::ipv6);
    const std::vector<Refused> all = {
        {"a table twice", {plan::CreateTable{kTable}}, EEXIST},
        {"no table", {plan::DeleteTable{{.name = "u"}}}, ENOENT},
        {"a set in no table", {plan::CreateSet{{.name = "u"}, "s"}}, ENOENT},
        {"a set twice", {plan::CreateSet{kTable, "pods4"}}, EEXIST},
        {"a set in use", {plan::DeleteSet{kTable, "pods4"}}, EBUSY},
        {"no set to delete", {plan::DeleteSet{kTable, "s"}}, ENOENT},
        {"an element of another family", {plan::AddElement{kTable, "pods4", {v6}}}, EINVAL},
        {"an element in no set", {plan::AddElement{kTable, "s", {v6}}}, ENOENT},
        {"no element",
         {plan::DeleteElement{kTable, "pods4", {IpAddress::v4(10, 0, 0, 2)}}},
         ENOENT},
        {"an element from no set", {plan::DeleteElement{kTable, "s", {v6}}}, ENOENT},
        {"a chain twice", {plan::CreateChain{kTable, "sub", {}}}, EEXIST},
        {"a chain in use", {plan::DeleteChain{kTable, "sub"}}, EBUSY},
        {"no chain", {plan::DeleteChain{kTable, "c"}}, ENOENT},
        {"rules in no chain", {plan::ReplaceRules{kTable, "c", {}}}, ENOENT},
        {"a rule on no set", {plan::ReplaceRules{kTable, "sub", {no_set}}}, ENOENT},
        {"a rule on a set of another family",
         {plan::ReplaceRules{kTable, "sub", {in_set6}}},
         EINVAL},
        {"a jump to nowhere", {plan::ReplaceRules{kTable, "sub", {jump("c")}}}, ENOENT},
        {"a jump to a base chain", {plan::ReplaceRules{kTable, "sub", {jump("base")}}}, EOPNOTSUPP},
    };
    for (const auto& [what, plan, code] : all) {
        CAPTURE(what);
        Plan transaction = {plan::CreateTable{{.name = "v"}}};
        transaction.insert(transaction.end(), plan.begin(), plan.end());
        CHECK_EQ(refusal(kernel, transaction), code);
        CHECK_EQ(kernel.state(), before);
    }
}

TEST_CASE("an element that exists keeps its comment") {
    fake::FakeKernel kernel;
    const IpAddress address = IpAddress::v4(10, 0, 0, 1);
    REQUIRE(kernel.apply({plan::CreateTable{kTable}, plan::CreateSet{kTable, "s"},
                          plan::AddElement{kTable, "s", {address, "old"}},
                          plan::AddElement{kTable, "s", {address, "new"}}}));
    CHECK_EQ(kernel.state().tables[0].sets[0].elements[0].comment, "old");
}

TEST_CASE("a failed plan says how far it came: to the transaction that failed, whole") {
    fake::FakeKernel kernel;
    const auto applied = kernel.apply(
        {plan::CreateLink{kIstioin}, plan::CreateTable{kTable}, plan::CreateTable{kTable}});
    REQUIRE_FALSE(applied.has_value());
    CHECK_EQ(applied.error().done, 1);
    CHECK_EQ(kernel.state().links.size(), 1);
    CHECK(kernel.state().tables.empty());
}

TEST_CASE("observations: by scope, of some routes and elements only") {
    NetnsState state = *json::parse_state(R"({
        "links": [{"name": "istioin", "kind": "geneve", "vni": 1, "remote": "10.0.0.1", "mtu": 1450,
                   "mac": "02:00:00:00:00:01"}, {"name": "eth0", "kind": "veth"}],
        "addresses": [{"link": "istioin", "address": "10.0.0.1/8"}, {"link": "eth0", "address": "10.0.0.2/8"}],
        "routes": [{"table": 100, "to": "10.0.0.9", "dev": "eth0", "protocol": 3},
                   {"table": 100, "to": "10.0.0.8/30", "dev": "eth0", "protocol": 122},
                   {"table": 7, "to": "10.0.0.9", "dev": "eth0", "protocol": 122},
                   {"table": 7, "to": "10.0.0.8", "dev": "eth0", "protocol": 3}],
        "rules": [{"family": "ipv4", "priority": 100, "lookup": 1, "protocol": 3},
                  {"family": "ipv4", "priority": 7, "lookup": 1, "protocol": 122},
                  {"family": "ipv4", "priority": 8, "lookup": 1, "protocol": 3}],
        "sysctls": {"net/ipv4/conf/istioin/rp_filter": "1", "net/ipv4/ip_forward": "1"},
        "tables": [{"name": "ambient", "chains": [{"name": "c"}],
                    "sets": [{"name": "s", "type": "ipv4_address", "elements": ["10.0.0.8", "10.0.0.9"]}]},
                   {"name": "kube-proxy"}]})");
    fake::FakeKernel kernel(state);
    const auto whole = *kernel.observe(kScope);
    CHECK_EQ(whole.links.size(), 1);
    CHECK_EQ(whole.addresses.size(), 1);
    CHECK_EQ(whole.routes.size(), 3);
    CHECK_EQ(whole.rules.size(), 2);
    CHECK_EQ(whole.sysctls.size(), 1);
    CHECK_EQ(whole.tables, std::vector{state.tables[0]});

    const auto some =
        *kernel.observe({.protocol = 122,
                         .routes = {{.table = 100, .destinations = {{*Prefix::parse("10.0.0.9")}}}},
                         .filter = {{.table = {.name = "ambient"},
                                     .chains = false,
                                     .keys = {{IpAddress::v4(10, 0, 0, 9)}}}}});
    CHECK(some.links.empty());
    CHECK(some.addresses.empty());
    CHECK(some.rules.empty());
    CHECK(some.sysctls.empty());
    CHECK_EQ(some.routes.size(), 1);
    REQUIRE_EQ(some.tables.size(), 1);
    CHECK(some.tables[0].chains.empty());
    CHECK_EQ(some.tables[0].sets[0].elements, std::vector{SetElement{IpAddress::v4(10, 0, 0, 9)}});
}

}  // namespace
}  // namespace ambient
