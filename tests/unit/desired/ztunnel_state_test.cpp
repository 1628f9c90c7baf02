// The ztunnel pod's namespace, against the reference listing.
#include <doctest/doctest.h>

#include "tests/unit/desired/facts.hpp"
#include "tests/unit/desired/lines.hpp"

namespace ambient::desired {
namespace {

const Datapath kDatapath;
const ZtunnelFacts kIpv4 = {
    .link = "eth0", .addresses = {ip("10.244.1.10")}, .host_addresses = {ip("10.244.1.1")}};
const ZtunnelFacts kDualStack = {.link = "eth0",
                                 .addresses = {ip("10.244.1.10"), ip("fd00:10:244:1::10")},
                                 .host_addresses = {ip("fd00:10:244:1::1"), ip("10.244.1.1")}};

TEST_CASE("IPv4: devices, routes, rules, sysctls") {
    const auto state = ztunnel_state(kDatapath, kIpv4);
    CHECK(link_lines(state) == Lines{
                                   "ip link add pistioin address 02:00:c0:a8:7e:02 up type geneve "
                                   "id 1000 remote 10.244.1.1 dstport 6081",
                                   "ip link add pistioout address 02:00:c0:a8:7f:02 up type geneve "
                                   "id 1001 remote 10.244.1.1 dstport 6081",
                                   "ip address add 192.168.126.2/30 dev pistioin",
                                   "ip address add 192.168.127.2/30 dev pistioout",
                               });
    CHECK(route_lines(state) ==
          Lines{"ip route replace local default dev lo table 100 proto 122 scope host"});
    CHECK(rule_lines(state) ==
          Lines{
              "ip rule add pref 20000 fwmark 0x400/0xfff lookup 100 protocol 122",
              "ip rule add pref 20003 fwmark 0x4d3/0xfff lookup 100 protocol 122",
          });
    CHECK(sysctl_lines(state) ==
          Lines{"net/ipv4/conf/all/src_valid_mark=0", "net/ipv4/conf/eth0/src_valid_mark=0",
                "net/ipv4/conf/pistioin/rp_filter=2", "net/ipv4/conf/pistioin/src_valid_mark=0",
                "net/ipv4/conf/pistioout/rp_filter=2", "net/ipv4/conf/pistioout/src_valid_mark=0"});
}

TEST_CASE("IPv4: the filter") {
    const auto state = ztunnel_state(kDatapath, kIpv4);
    CHECK(chain_names(state) == Lines{"ambient prerouting", "ambient strays", "ambient to_inbound",
                                      "ambient to_outbound", "ambient to_plaintext"});
    CHECK(chain_lines(state, "strays") ==
          Lines{
              "type filter hook input priority -150; policy accept;",
              "meta mark & 0xfff == 0x4d3 socket transparent 1 return",
              "meta mark & 0xfff == 0x4d3 socket transparent 0 return",
              "meta mark & 0xfff == 0x4d3 meta l4proto 6 counter reject with tcp reset",
          });
    CHECK(chain_lines(state, "prerouting") ==
          Lines{
              "type filter hook prerouting priority -150; policy accept;",
              R"(iifname "pistioin" meta l4proto 6 th dport 15008 counter jump to_inbound)",
              R"(iifname "pistioout" meta l4proto 6 counter jump to_outbound)",
              R"(iifname "pistioin" meta l4proto 6 counter jump to_plaintext)",
              R"(iifname "eth0" ip daddr != 10.244.1.10 meta l4proto 6 counter )"
              "meta mark set meta mark & 0xfffff000 | 0x4d3",
              R"(iifname "eth0" ip daddr != 10.244.1.10 meta l4proto 1 counter )"
              "meta mark set meta mark & 0xfffff000 | 0x4d3",
          });
    const auto expected = [](const std::string& port) {
        return Lines{"meta l4proto 6 meta nfproto ipv4 tproxy ip to 127.0.0.1:" + port +
                         " meta mark set meta mark & 0xfffff000 | 0x400 accept",
                     "counter drop"};
    };
    CHECK(chain_lines(state, "to_inbound") == expected("15008"));
    CHECK(chain_lines(state, "to_outbound") == expected("15001"));
    CHECK(chain_lines(state, "to_plaintext") == expected("15006"));
}

TEST_CASE("dual stack: the IPv6 twins; link-local and multicast stay ztunnel's own") {
    const auto state = ztunnel_state(kDatapath, kDualStack);
    // IPv4 carries the tunnels, whichever address is told first.
    CHECK(link_lines(state).front() ==
          "ip link add pistioin address 02:00:c0:a8:7e:02 up type geneve id 1000 remote 10.244.1.1 "
          "dstport 6081");
    CHECK(has_line(link_lines(state), "ip address add fd00:126::2/126 dev pistioin nodad"));
    CHECK(has_line(link_lines(state), "ip address add fd00:127::2/126 dev pistioout nodad"));
    CHECK(route_lines(state) ==
          Lines{
              "ip route replace local default dev lo table 100 proto 122 scope host",
              "ip -6 route replace local default dev lo table 100 proto 122 metric 1024",
          });
    CHECK(rule_lines(state) ==
          Lines{
              "ip rule add pref 20000 fwmark 0x400/0xfff lookup 100 protocol 122",
              "ip rule add pref 20003 fwmark 0x4d3/0xfff lookup 100 protocol 122",
              "ip -6 rule add pref 20000 fwmark 0x400/0xfff lookup 100 protocol 122",
              "ip -6 rule add pref 20003 fwmark 0x4d3/0xfff lookup 100 protocol 122",
          });
    const Lines prerouting = chain_lines(state, "prerouting");
    const auto held6 = [](const std::string& protocol) {
        return R"(iifname "eth0" ip6 daddr != fd00:10:244:1::10 ip6 daddr != fe80::/10 )"
               "ip6 daddr != ff00::/8 meta l4proto " +
               protocol + " counter meta mark set meta mark & 0xfffff000 | 0x4d3";
    };
    CHECK(prerouting[prerouting.size() - 2] == held6("6"));
    CHECK(prerouting.back() == held6("58"));
    CHECK(chain_lines(state, "to_outbound") ==
          Lines{
              "meta l4proto 6 meta nfproto ipv4 tproxy ip to 127.0.0.1:15001 "
              "meta mark set meta mark & 0xfffff000 | 0x400 accept",
              "meta l4proto 6 meta nfproto ipv6 tproxy ip6 to [::1]:15001 "
              "meta mark set meta mark & 0xfffff000 | 0x400 accept",
              "counter drop",
          });
}

TEST_CASE("nothing is wanted when node and ztunnel share no family") {
    ZtunnelFacts facts = kIpv4;
    facts.host_addresses = {ip("fd00:10:244:1::1")};
    CHECK(ztunnel_state(kDatapath, facts) == model::NetnsState{});
}

TEST_CASE("the scope covers every object of the state") {
    CHECK(ztunnel_scope(kDatapath, kIpv4) ==
          model::Scope{
              .protocol = 122,
              .strays = true,
              .links = {"pistioin", "pistioout"},
              .routes = {{.table = 100}},
              .rule_priorities = {20000, 20003},
              .sysctls = {"net/ipv4/conf/pistioin/rp_filter", "net/ipv4/conf/pistioout/rp_filter",
                          "net/ipv4/conf/all/src_valid_mark", "net/ipv4/conf/eth0/src_valid_mark",
                          "net/ipv4/conf/pistioin/src_valid_mark",
                          "net/ipv4/conf/pistioout/src_valid_mark"},
              .filter = {{.table = {.name = "ambient"}}}});
}

}  // namespace
}  // namespace ambient::desired
