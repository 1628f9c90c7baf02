#include "common/json/state_json.hpp"

#include <doctest/doctest.h>

#include "tests/fake/scenario.hpp"

namespace ambient {
namespace {

using namespace model;

TEST_CASE("every state of every plan case and random scenario survives the way to text and back") {
    auto scenarios = std::vector<fake::Scenario>{};
    for (auto& plan_case : fake::plan_cases())
        scenarios.push_back(plan_case.scenario);
    for (std::uint32_t seed = 1; seed <= 50; ++seed)
        scenarios.push_back(fake::random_scenario(seed));
    for (const auto& scenario : scenarios) {
        CAPTURE(scenario.name);
        CHECK_EQ(json::parse_state(json::dump(scenario.wanted)), scenario.wanted);
        CHECK_EQ(json::parse_state(json::dump(scenario.found, 2)), scenario.found);
        CHECK_EQ(json::parse_scope(json::dump(scenario.scope)), scenario.scope);
    }
}

TEST_CASE("every field of links, addresses, routes and rules") {
    const auto state = json::parse_state(R"({
        "links": [
            {"name": "b", "kind": "veth", "peer": "c"},
            {"name": "a", "kind": "geneve", "vni": 16777215, "remote": "fd00::1", "udp_port": 6082, "up": true,
             "mac": "02:00:00:00:00:0a", "mtu": 1450},
            {"name": "d", "kind": "dummy"}],
        "addresses": [{"link": "a", "address": "10.1.2.3/8", "scope": "host"}],
        "routes": [{"table": 4294967295, "to": "fd00::/8", "dev": "a", "via": "fe80::1", "src": "fd00::2",
                    "protocol": 122, "metric": 7, "type": "other", "onlink": true, "tos": 16, "beyond_model": "multipath"},
                   {"table": 1, "to": "0.0.0.0/0", "metric": 9, "type": "unreachable", "protocol": 0},
                   {"table": 1, "to": "0.0.0.0/0", "dev": "lo", "protocol": 0, "type": "local", "scope": "host"}],
        "rules": [{"family": "ipv6", "priority": 1, "mark": "0x400/0xfff", "lookup": 2, "protocol": 122,
                   "beyond_model": "100: from 10.0.0.1"},
                  {"family": "ipv4", "priority": 3, "lookup": 4, "protocol": 5}],
        "sysctls": {"net/ipv4/ip_forward": "1"}})");
    REQUIRE_MESSAGE(state.has_value(), describe(state.error()));
    NetnsState expected;
    expected.links = {
        {.name = "a",
         .kind = Geneve{.vni = 16777215, .remote = *IpAddress::parse("fd00::1"), .udp_port = 6082},
         .up = true,
         .mac = MacAddress{{2, 0, 0, 0, 0, 10}},
         .mtu = 1450},
        {.name = "b", .kind = Veth{"c"}},
        {.name = "d", .kind = OtherLink{"dummy"}}};
    expected.addresses = {{"a", IpAddress::v4(10, 1, 2, 3), 8, RouteScope::host}};
    expected.routes = {
        {.table = 1, .type = RouteType::local, .scope = RouteScope::host, .link = "lo"},
        {.table = 1, .metric = 9, .type = RouteType::unreachable, .link = {}},
        {.table = 4294967295,
         .destination = *Prefix::parse("fd00::/8"),
         .metric = 7,
         .tos = 16,
         .type = RouteType::other,
         .protocol = 122,
         .link = "a",
         .gateway = IpAddress::parse("fe80::1"),
         .source = IpAddress::parse("fd00::2"),
         .onlink = true,
         .beyond_model = "multipath"}};
    expected.rules = {{.priority = 3, .table = 4, .protocol = 5},
                      {.family = Family::ipv6,
                       .priority = 1,
                       .mark = {.value = 0x400, .mask = 0xfff},
                       .table = 2,
                       .protocol = 122,
                       .beyond_model = "100: from 10.0.0.1"}};
    expected.sysctls = {{"net/ipv4/ip_forward", "1"}};
    CHECK_EQ(*state, expected);
    CHECK_EQ(json::parse_state(json::dump(expected)), expected);
}

TEST_CASE("what is left out has its usual value") {
    CHECK_EQ(json::parse_state("{}"), NetnsState{});
    CHECK_EQ(json::dump(NetnsState{}), "{}");
    CHECK_EQ(json::parse_scope(R"({"protocol": 122})"), Scope{.protocol = 122});
    const auto state = json::parse_state(
        R"({"routes": [{"table": 1, "to": "10.0.0.1", "dev": "a", "protocol": 2},
                       {"table": 1, "to": "fd00::1", "dev": "a", "protocol": 2}]})");
    REQUIRE(state.has_value());
    CHECK_EQ(state->routes.at(0).metric, 0);
    CHECK_EQ(state->routes.at(1).metric, kIpv6DefaultMetric);
}

TEST_CASE("a name that is not UTF-8 is still JSON") {
    NetnsState state;
    state.links = {{.name = "eth\xff", .kind = OtherLink{"dummy"}}};
    CHECK_EQ(json::parse_state(json::dump(state))->links.at(0).name, "eth\xef\xbf\xbd");
}

TEST_CASE("tables of one name in two families are two, in a state and in a scope") {
    const TableId bridges{.family = TableFamily::bridge, .name = "t"};
    const NetnsState state{.tables = {{.id = {.name = "t"}}, {.id = bridges}}};
    CHECK_EQ(json::parse_state(json::dump(state)), state);
    CHECK_EQ(json::parse_state(R"({"tables": [{"name": "t", "family": "bridge"}, {"name": "t"}]})"),
             state);
    const Scope scope{.filter = {{.table = {.name = "t"}},
                                 {.table = bridges},
                                 {.table = bridges, .chains = false}}};
    CHECK_EQ(json::parse_scope(json::dump(scope)), scope);
}

TEST_CASE("sets of every type, and matches in them") {
    const auto fd00 = *IpAddress::parse("fd00::1");
    const NetnsState state{
        .tables = {
            {.id = {.name = "t"},
             .sets = {{"a", SetType::ipv4_address, {{IpAddress::v4(10, 0, 0, 1), "c"}}},
                      {"b", SetType::ipv6_address, {{fd00}}},
                      {"c", SetType::ipv4_prefix, {{*Prefix::parse("10.0.0.0/8")}}},
                      {"d", SetType::ipv6_prefix, {{Prefix::host(fd00), "host"}}},
                      {"e", SetType::interface, {{InterfaceName{"10.0.0.1"}}}},
                      {"f", SetType::port, {{PortNumber{80}}}},
                      {"g", SetType::ipv4_endpoint, {{Endpoint{IpAddress::v4(10, 0, 0, 1), 80}}}},
                      {"h", SetType::ipv6_endpoint, {{Endpoint{fd00, 53}, "dns"}}}},
             .chains = {
                 {.name = "c",
                  .rules = {{{InterfaceInSet{Direction::source, "e"},
                              InterfaceInSet{Direction::destination, "e", true}, Protocol{kTcp},
                              PortInSet{Direction::source, "f"},
                              PortInSet{Direction::destination, "f", true},
                              EndpointInSet{Direction::source, Family::ipv4, "g"},
                              EndpointInSet{Direction::destination, Family::ipv6, "h", true}},
                             {Drop{}}}}}}}}};
    CHECK_EQ(json::parse_state(json::dump(state)), state);
    Scope scope{
        .filter = {{.table = {.name = "t"}, .chains = false, .keys = std::vector<SetKey>{}}}};
    for (const auto& set : state.tables.front().sets)
        scope.filter.front().keys->push_back(set.elements.front().key);
    CHECK_EQ(json::parse_scope(json::dump(scope)), scope);
}

TEST_CASE("a scope of no routes and no elements is not a scope of all") {
    const auto none = json::parse_scope(
        R"({"protocol": 122, "routes": [{"table": 1, "to": []}], "filter": [{"table": "t", "keys": []}]})");
    REQUIRE(none.has_value());
    CHECK(none->routes.at(0).destinations.has_value());
    CHECK(none->filter.at(0).keys.has_value());
    CHECK_EQ(json::parse_scope(json::dump(*none)), *none);
    const auto all = json::parse_scope(R"({"protocol": 122, "strays": true, "links": ["a"],
        "addresses": [{"link": "b", "address": "10.1.2.3/32"}],
        "routes": [1, {"table": 2, "to": ["10.0.0.1", "fd00::/8"]}], "rule_priorities": [2],
        "sysctls": ["x"], "filter": ["t", {"table": "u"},
                                     {"table": {"name": "v", "family": "bridge"}, "keys": ["fd00::1"]}]})");
    REQUIRE(all.has_value());
    const Scope expected{
        .protocol = 122,
        .strays = true,
        .links = {"a"},
        .addresses = {{"b", IpAddress::v4(10, 1, 2, 3), 32}},
        .routes = {{.table = 1},
                   {.table = 2,
                    .destinations = {{*Prefix::parse("10.0.0.1"), *Prefix::parse("fd00::/8")}}}},
        .rule_priorities = {2},
        .sysctls = {"x"},
        .filter = {{.table = {.name = "t"}},
                   {.table = {.name = "u"}, .chains = false},
                   {.table = {.family = TableFamily::bridge, .name = "v"},
                    .chains = false,
                    .keys = {{*IpAddress::parse("fd00::1")}}}}};
    CHECK_EQ(*all, expected);
    CHECK_EQ(json::parse_scope(json::dump(*all)), *all);
}

}  // namespace
}  // namespace ambient
