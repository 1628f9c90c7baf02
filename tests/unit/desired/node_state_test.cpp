// Devices, routes, rules, sysctls and sets of the node, against the reference listings.
#include <doctest/doctest.h>

#include "tests/unit/desired/facts.hpp"
#include "tests/unit/desired/lines.hpp"

namespace ambient::desired {
namespace {

const Datapath kDatapath;

TEST_CASE("IPv4: devices and addresses") {
    const auto state = node_state(kDatapath, ipv4_facts());
    CHECK(link_lines(state) == Lines{
                                   "ip link add istioin address 02:00:c0:a8:7e:01 up type geneve "
                                   "id 1000 remote 10.244.1.10 dstport 6081",
                                   "ip link add istioout address 02:00:c0:a8:7f:01 up type geneve "
                                   "id 1001 remote 10.244.1.10 dstport 6081",
                                   "ip address add 192.168.126.1/30 dev istioin",
                                   "ip address add 192.168.127.1/30 dev istioout",
                               });
}

TEST_CASE("IPv4: routes of the three tables") {
    CHECK(route_lines(node_state(kDatapath, ipv4_facts())) ==
          Lines{
              "ip route replace 10.244.1.10 dev veth-zt src 10.244.1.1 table 100 proto 122 scope "
              "link",
              "ip route replace 10.244.1.11 via 192.168.126.2 dev istioin src 10.244.1.1 table 100 "
              "proto 122 scope global",
              "ip route replace 10.244.1.12 via 192.168.126.2 dev istioin src 10.244.1.1 table 100 "
              "proto 122 scope global",
              "ip route replace default via 192.168.127.2 dev istioout table 101 proto 122 scope "
              "global",
              "ip route replace unreachable default table 101 proto 122 scope global metric "
              "4294967295",
              "ip route replace 10.244.1.10 dev veth-zt src 10.244.1.1 table 101 proto 122 scope "
              "link",
              "ip route replace default via 10.244.1.10 dev veth-zt src 10.244.1.1 table 102 proto "
              "122 scope global onlink",
              "ip route replace unreachable default table 102 proto 122 scope global metric "
              "4294967295",
              "ip route replace 10.244.1.10 dev veth-zt src 10.244.1.1 table 102 proto 122 scope "
              "link",
          });
}

TEST_CASE("IPv4: policy rules") {
    CHECK(rule_lines(node_state(kDatapath, ipv4_facts())) ==
          Lines{
              "ip rule add pref 101 fwmark 0x100/0x120 lookup 101 protocol 122",
              "ip rule add pref 102 fwmark 0x40/0x6c lookup 102 protocol 122",
              "ip rule add pref 102 fwmark 0x230/0x23c lookup 102 protocol 122",
              "ip rule add pref 103 fwmark 0x80/0xa0 lookup 100 protocol 122",
          });
}

TEST_CASE("reverse-path filter: loose on our devices and ztunnels' veths, no pod's (U7, U17)") {
    NodeFacts facts = dual_stack_facts();
    facts.ztunnels.push_back(second_ztunnel());
    CHECK(sysctl_lines(node_state(kDatapath, facts)) == Lines{
                                                            "net/ipv4/conf/istioin/rp_filter=2",
                                                            "net/ipv4/conf/istioout/rp_filter=2",
                                                            "net/ipv4/conf/veth-zt/rp_filter=2",
                                                            "net/ipv4/conf/veth-zt2/rp_filter=2",
                                                        });
}

TEST_CASE("a ztunnel's veth without an IPv4 address gets the node's own (U17)") {
    NodeFacts facts = dual_stack_facts();
    facts.ztunnels.push_back(second_ztunnel());
    facts.ztunnels.back().lacks_address = true;
    CHECK(has_line(link_lines(node_state(kDatapath, facts)),
                   "ip address add 10.244.1.1/32 dev veth-zt2 scope host"));
    CHECK_FALSE(has_line(link_lines(node_state(kDatapath, facts)),
                         "ip address add 10.244.1.1/32 dev veth-zt scope host"));
}

TEST_CASE("an address that was lent for another one of the node's is looked at, and not wanted") {
    NodeFacts facts = ipv4_facts();
    const auto earlier = lent_address(ip("10.244.1.254"), "veth-zt");
    const auto present = lent_address(ip("10.244.1.1"), "veth-zt");
    facts.ztunnels.front().lacks_address = true;
    facts.ztunnels.front().lent = {earlier, present};
    CHECK(node_scope(kDatapath, facts).addresses == std::vector{present, earlier});
    const auto wanted = node_state(kDatapath, facts).addresses;
    CHECK(std::ranges::count(wanted, present) == 1);
    CHECK(std::ranges::count(wanted, earlier) == 0);
}

TEST_CASE("sets hold the enrolled addresses of their family with their comments") {
    const auto v4 = node_state(kDatapath, ipv4_facts());
    CHECK(set_lines(v4, "pods4") ==
          Lines{R"(10.244.1.11 comment "uid-sleep")", R"(10.244.1.12 comment "uid-httpbin")"});
    CHECK(set_lines(v4, "pods6") == Lines{});
    CHECK(v4.tables.front().sets.size() == 6);
    const auto both = node_state(kDatapath, dual_stack_facts());
    CHECK(set_lines(both, "pods6") == Lines{R"(fd00:10:244:1::11 comment "uid-sleep")",
                                            R"(fd00:10:244:1::12 comment "uid-httpbin")"});
}

TEST_CASE("dual stack: the IPv6 twins") {
    const auto state = node_state(kDatapath, dual_stack_facts());
    CHECK(has_line(link_lines(state), "ip address add fd00:126::1/126 dev istioin nodad"));
    CHECK(has_line(link_lines(state), "ip address add fd00:127::1/126 dev istioout nodad"));
    const Lines all = route_lines(state);
    Lines ipv6;
    std::ranges::copy_if(all, std::back_inserter(ipv6),
                         [](const auto& line) { return line.starts_with("ip -6"); });
    CHECK(ipv6 ==
          Lines{
              "ip -6 route replace fd00:10:244:1::10 dev veth-zt src fd00:10:244:1::1 table 100 "
              "proto 122 metric 1024",
              "ip -6 route replace fd00:10:244:1::11 via fd00:126::2 dev istioin "
              "src fd00:10:244:1::1 table 100 proto 122 metric 1024",
              "ip -6 route replace fd00:10:244:1::12 via fd00:126::2 dev istioin "
              "src fd00:10:244:1::1 table 100 proto 122 metric 1024",
              "ip -6 route replace default via fd00:127::2 dev istioout table 101 proto 122 metric "
              "1024",
              "ip -6 route replace unreachable default table 101 proto 122 metric 4294967295",
              "ip -6 route replace fd00:10:244:1::10 dev veth-zt src fd00:10:244:1::1 table 101 "
              "proto 122 metric 1024",
              "ip -6 route replace default via fd00:10:244:1::10 dev veth-zt src "
              "fd00:10:244:1::1 table 102 proto 122 metric 1024 onlink",
              "ip -6 route replace unreachable default table 102 proto 122 metric 4294967295",
              "ip -6 route replace fd00:10:244:1::10 dev veth-zt src fd00:10:244:1::1 table 102 "
              "proto 122 metric 1024",
          });
    CHECK(rule_lines(state).size() == 8);
    CHECK(has_line(rule_lines(state),
                   "ip -6 rule add pref 103 fwmark 0x80/0xa0 lookup 100 protocol 122"));
}

TEST_CASE("a family that ztunnel or node lacks is left alone") {
    const auto expected = node_state(kDatapath, ipv4_facts());
    NodeFacts facts = dual_stack_facts();
    facts.dns_capture = false;
    SUBCASE("node") { facts.host_addresses = {ip("10.244.1.1")}; }
    SUBCASE("ztunnel") { facts.ztunnels.front().addresses = {ip("10.244.1.10")}; }
    auto got = node_state(kDatapath, facts);
    CHECK(route_lines(got) == route_lines(expected));
    CHECK(rule_lines(got) == rule_lines(expected));
    CHECK(link_lines(got) == link_lines(expected));
    CHECK(set_lines(got, "pods6") == Lines{});
}

TEST_CASE("IPv6 only: the tunnels run over IPv6") {
    NodeFacts facts = dual_stack_facts();
    facts.host_addresses = {ip("fd00:10:244:1::1")};
    const auto state = node_state(kDatapath, facts);
    CHECK(link_lines(state).front() ==
          "ip link add istioin address 02:00:c0:a8:7e:01 up type geneve id 1000 remote "
          "fd00:10:244:1::10 dstport 6081");
    CHECK(sysctl_lines(state) == Lines{});
    CHECK(set_lines(state, "pods4") == Lines{});
    CHECK(set_lines(state, "pods6").size() == 2);
}

TEST_CASE("each ztunnel has a lane: its own marks and table") {
    NodeFacts facts = ipv4_facts();
    facts.ztunnels.push_back(second_ztunnel());
    facts.ztunnels.back().lane = 3;
    const auto state = node_state(kDatapath, facts);
    CHECK(has_line(rule_lines(state),
                   "ip rule add pref 102 fwmark 0x40/0x6c lookup 102 protocol 122"));
    CHECK(has_line(rule_lines(state),
                   "ip rule add pref 102 fwmark 0x4c/0x6c lookup 106 protocol 122"));
    CHECK(has_line(rule_lines(state),
                   "ip rule add pref 102 fwmark 0x23c/0x23c lookup 106 protocol 122"));
    CHECK(has_line(route_lines(state),
                   "ip route replace default via 10.244.1.20 dev veth-zt2 src 10.244.1.1 "
                   "table 106 proto 122 scope global onlink"));
    CHECK(has_line(route_lines(state),
                   "ip route replace unreachable default table 106 proto 122 scope global metric "
                   "4294967295"));
    facts.ztunnels.back().lane.reset();
    const auto without = node_state(kDatapath, facts);
    CHECK(without.rules.size() == state.rules.size() - 2);
    CHECK(std::ranges::none_of(without.routes, [](const auto& r) { return r.table == 106; }));
}

TEST_CASE("another active ztunnel moves the tunnels and the routes to it, no lane and no rule") {
    NodeFacts facts = ipv4_facts();
    facts.ztunnels.push_back(second_ztunnel());
    const auto before = node_state(kDatapath, facts);
    std::swap(facts.ztunnels[0], facts.ztunnels[1]);
    const auto after = node_state(kDatapath, facts);
    CHECK(link_lines(after).front() ==
          "ip link add istioin address 02:00:c0:a8:7e:01 up type geneve id 1000 remote 10.244.1.20 "
          "dstport 6081");
    CHECK(has_line(route_lines(after),
                   "ip route replace 10.244.1.20 dev veth-zt2 src 10.244.1.1 table 100 proto 122 "
                   "scope link"));
    const auto in_lanes = [](const model::NetnsState& state) {
        auto routes = state.routes;
        std::erase_if(routes, [](const auto& route) { return route.table < 102; });
        return routes;
    };
    CHECK(in_lanes(before) == in_lanes(after));
    // Both answer in their own name, so both are reached without the tunnel.
    for (const auto* state : {&before, &after}) {
        CHECK(
            has_line(route_lines(*state),
                     "ip route replace 10.244.1.10 dev veth-zt src 10.244.1.1 table 101 proto 122 "
                     "scope link"));
        CHECK(
            has_line(route_lines(*state),
                     "ip route replace 10.244.1.20 dev veth-zt2 src 10.244.1.1 table 101 proto 122 "
                     "scope link"));
    }
    CHECK(before.rules == after.rules);
    CHECK(before.sysctls == after.sysctls);
    for (const auto* chain : {"from_lane0", "from_lane1", "output"})
        CHECK(chain_lines(before, chain) == chain_lines(after, chain));
    CHECK(before.tables.front().sets == after.tables.front().sets);
    CHECK(chain_names(before) == chain_names(after));
}

TEST_CASE("addresses that must never be captured, or are told twice") {
    const auto expected = node_state(kDatapath, ipv4_facts());
    NodeFacts facts = ipv4_facts();
    facts.pods.push_back({ip("10.244.1.10"), "uid-zt"});
    facts.pods.push_back({ip("10.244.1.1"), "uid-host"});
    facts.pods.push_back({ip("10.244.1.11"), "uid-zzz"});
    CHECK(node_state(kDatapath, facts) == expected);
}

TEST_CASE("nothing is wanted without a ztunnel that shares a family with the node") {
    NodeFacts facts = ipv4_facts();
    SUBCASE("none") { facts.ztunnels.clear(); }
    SUBCASE("another family") { facts.ztunnels.front().addresses = {ip("fd00::1")}; }
    SUBCASE("node without address") { facts.host_addresses.clear(); }
    CHECK(node_state(kDatapath, facts) == model::NetnsState{});
    CHECK(pods_state(kDatapath, facts, facts.pods) == model::NetnsState{});
}

TEST_CASE("the scope covers every object of the state") {
    const NodeFacts facts = dual_stack_facts();
    const model::Scope scope = node_scope(kDatapath, facts);
    CHECK(scope.protocol == 122);
    CHECK(scope.links == Lines{"istioin", "istioout"});
    CHECK(scope.routes ==
          std::vector<model::RouteSelector>{{100}, {101}, {102}, {104}, {105}, {106}});
    CHECK(scope.rule_priorities == std::vector<std::uint32_t>{101, 102, 103});
    CHECK(scope.filter == std::vector<model::FilterSelector>{{.table = {.name = "ambient"}}});
    CHECK(scope.sysctls == Lines{"net/ipv4/conf/istioin/rp_filter",
                                 "net/ipv4/conf/istioout/rp_filter",
                                 "net/ipv4/conf/veth-zt/rp_filter"});
    CHECK(scope.addresses.empty());  // what the veth has is its CNI's
    CHECK(scope.strays);
}

}  // namespace
}  // namespace ambient::desired
