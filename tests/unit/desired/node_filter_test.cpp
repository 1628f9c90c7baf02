// The rules of the node's packet filter, against the reference listing written out by hand, with
// the differences that the chains' comments explain.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/unit/desired/facts.hpp"
#include "tests/unit/desired/lines.hpp"

namespace ambient::desired {
namespace {

const Datapath kDatapath;

TEST_CASE("prerouting: skip, lead back, capture") {
    CHECK(chain_lines(node_state(kDatapath, ipv4_facts()), "prerouting") ==
          Lines{
              "type filter hook prerouting priority -150; policy accept;",
              R"(iifname "istioin" counter meta mark set meta mark | 0x200 return)",
              R"(iifname "istioout" counter meta mark set meta mark | 0x200 return)",
              "meta l4proto 17 th dport 6081 counter return",
              "ct state related ct mark & 0x21c == 0x210 counter "
              "meta mark set meta mark & 0xffffff93 | 0x60 return",
              "meta l4proto != 6 counter return",
              "ct mark & 0x220 == 0x220 counter meta mark set meta mark | 0x200 return",
              R"(iifname "veth-zt" counter jump from_lane0)",
              "ct mark & 0x21c == 0x210 counter meta mark set meta mark & 0xffffff93 | 0x60 return",
              "ct mark & 0x210 == 0x210 meta l4proto 6 counter reject with tcp reset",
              "ct state established,related ct mark & 0x330 == 0x0 counter "
              "meta mark set meta mark | 0x200 return",
              "ip saddr @pods4 counter meta mark set meta mark | 0x120 ct mark set ct mark | 0x100",
          });
}

TEST_CASE("senders: before raw, what a ztunnel sends in others' names (U17)") {
    NodeFacts facts = ipv4_facts();
    facts.ztunnels.push_back(second_ztunnel());
    const std::string mark = " counter meta mark set meta mark & 0xfffffdc3 | 0x23";
    CHECK(chain_lines(node_state(kDatapath, facts), "senders") ==
          Lines{
              "type filter hook prerouting priority -310; policy accept;",
              R"(iifname "veth-zt" ip saddr != 10.244.1.10)" + mark + "0",
              R"(iifname "veth-zt2" ip saddr != 10.244.1.20)" + mark + "4",
              R"(iifname "veth-zt2" ip6 saddr != fd00:10:244:1::20)" + mark + "4",
          });
}

TEST_CASE("release: behind everybody's checks, marks lead the packet itself (U17)") {
    CHECK(chain_lines(node_state(kDatapath, ipv4_facts()), "release") ==
          Lines{
              "type filter hook prerouting priority 300; policy accept;",
              "meta mark & 0x20 == 0x20 meta mark set meta mark & 0xffffffdf | 0x0",
          });
}

TEST_CASE(
    "from_lane0: tunnels of this node to itself, its own connections, those in a pod's name") {
    CHECK(chain_lines(node_state(kDatapath, ipv4_facts()), "from_lane0") ==
          Lines{
              "ct state new meta l4proto 6 th dport 15008 ip daddr @pods4 counter "
              "ct mark set ct mark & 0xfffffda3 | 0x250 accept",
              "ct mark & 0x25c == 0x250 counter meta mark set meta mark & 0xffffff93 | 0x60 accept",
              "ip saddr 10.244.1.10 counter meta mark set meta mark | 0x220 "
              "ct mark set ct mark | 0x220 accept",
              "counter meta mark set meta mark & 0xfffffdc3 | 0x230 "
              "ct mark set ct mark & 0xfffffde3 | 0x210 accept",
          });
}

TEST_CASE("two ztunnels: packets of neither are taken for a pod's") {
    NodeFacts facts = dual_stack_facts();
    facts.ztunnels.push_back(second_ztunnel());
    const auto state = node_state(kDatapath, facts);
    const Lines prerouting = chain_lines(state, "prerouting");
    CHECK(has_line(prerouting, R"(iifname "veth-zt" counter jump from_lane0)"));
    CHECK(has_line(prerouting, R"(iifname "veth-zt2" counter jump from_lane1)"));
    CHECK(has_line(prerouting,
                   "ct mark & 0x21c == 0x210 counter meta mark set meta mark & "
                   "0xffffff93 | 0x60 return"));
    CHECK(has_line(prerouting,
                   "ct mark & 0x21c == 0x214 counter meta mark set meta mark & "
                   "0xffffff93 | 0x64 return"));
    const std::string own =
        " counter meta mark set meta mark | 0x220 ct mark set ct mark | 0x220 accept";
    const std::string both_ends = " counter ct mark set ct mark & 0xfffffda3 | 0x254 accept";
    CHECK(chain_lines(state, "from_lane1") ==
          Lines{
              "ct state new meta l4proto 6 th dport 15008 ip daddr @pods4" + both_ends,
              "ct state new meta l4proto 6 th dport 15008 ip6 daddr @pods6" + both_ends,
              "ct mark & 0x25c == 0x254 counter meta mark set meta mark & 0xffffff93 | 0x64 accept",
              "ip saddr 10.244.1.20" + own,
              "ip6 saddr fd00:10:244:1::20" + own,
              "counter meta mark set meta mark & 0xfffffdc3 | 0x234 "
              "ct mark set ct mark & 0xfffffde3 | 0x214 accept",
          });
    CHECK(chain_lines(state, "output")[2] ==
          "ct mark & 0x21c == 0x214 counter meta mark set meta mark & 0xffffffb3 | 0x44 accept");
}

TEST_CASE("a ztunnel without a lane sends in its own name only") {
    NodeFacts facts = ipv4_facts();
    facts.ztunnels.push_back(second_ztunnel());
    facts.ztunnels.back().lane.reset();
    const auto state = node_state(kDatapath, facts);
    CHECK(has_line(chain_lines(state, "prerouting"),
                   R"(iifname "veth-zt2" counter jump from_no_lane)"));
    const std::string own =
        " counter meta mark set meta mark | 0x220 ct mark set ct mark | 0x220 accept";
    CHECK(chain_lines(state, "from_no_lane") == Lines{
                                                    "ip saddr 10.244.1.20" + own,
                                                    "ip6 saddr fd00:10:244:1::20" + own,
                                                    "meta l4proto 6 counter reject with tcp reset",
                                                });
}

TEST_CASE("nat_pre: ztunnel sees the address that the pod asked for") {
    NodeFacts facts = ipv4_facts();
    const Lines keep = {"type nat hook prerouting priority -110; policy accept;",
                        "meta mark & 0x100 == 0x100 counter dnat ip to ip daddr"};
    CHECK(chain_lines(node_state(kDatapath, facts), "nat_pre") == keep);

    facts.dns_capture = true;
    Lines with_dns = keep;
    with_dns.insert(with_dns.begin() + 1,
                    "ip saddr @pods4 meta l4proto 17 th dport 53 counter "
                    "dnat ip to 10.244.1.10:15053");
    CHECK(chain_lines(node_state(kDatapath, facts), "nat_pre") == with_dns);
}

TEST_CASE(
    "inbound: what kube-proxy has led to an enrolled pod, when no mark of ours says else (U17), "
    "and "
    "tunnels of this node to itself") {
    const auto tunnel = [](const std::string& pods) {
        return "ct state new ct mark & 0x25c == 0x250 " + pods +
               " counter meta mark set meta mark | 0xa0";
    };
    const auto captured = [](const std::string& pods) {
        return "meta l4proto 6 meta mark & 0x340 == 0x0 " + pods +
               " counter meta mark set meta mark | 0xa0 ct mark set ct mark | 0x100";
    };
    const std::string hook = "type filter hook prerouting priority -90; policy accept;";
    const std::string pods4 = "ip daddr @pods4";
    const std::string pods6 = "ip6 daddr @pods6";
    CHECK(chain_lines(node_state(kDatapath, ipv4_facts()), "inbound") ==
          Lines{hook, tunnel(pods4), captured(pods4)});
    CHECK(chain_lines(node_state(kDatapath, dual_stack_facts()), "inbound") ==
          Lines{hook, tunnel(pods4), tunnel(pods6), captured(pods4), captured(pods6)});
}

TEST_CASE("guard: what is captured leaves by our devices only (U15)") {
    NodeFacts facts = dual_stack_facts();
    facts.ztunnels.push_back(second_ztunnel());
    CHECK(chain_lines(node_state(kDatapath, facts), "guard") ==
          Lines{
              "type filter hook forward priority -150; policy accept;",
              "meta mark & 0x1c0 == 0x0 return",
              "meta mark & 0x80 == 0x80 ip daddr @pods4 oifname != \"istioin\" counter drop",
              "meta mark & 0x80 == 0x80 ip6 daddr @pods6 oifname != \"istioin\" counter drop",
              "oifname \"istioout\" return",
              "oifname \"veth-zt\" return",
              "oifname \"veth-zt2\" return",
              "meta mark & 0x100 == 0x100 counter drop",
              "meta mark & 0x40 == 0x40 counter drop",
          });
}

TEST_CASE("nat_post: what goes through a tunnel keeps its source, or never is ztunnel's own") {
    CHECK(chain_lines(node_state(kDatapath, ipv4_facts()), "nat_post") ==
          Lines{
              "type nat hook postrouting priority 90; policy accept;",
              "meta mark & 0x100 == 0x100 counter snat ip to ip saddr",
              R"(oifname "istioin" ip saddr 10.244.1.10 counter snat ip to ip daddr)",
              R"(oifname "istioin" counter snat ip to ip saddr)",
          });
}

TEST_CASE("output: the node's own packets") {
    CHECK(chain_lines(node_state(kDatapath, ipv4_facts()), "output") ==
          Lines{
              "type route hook output priority -90; policy accept;",
              "ct mark & 0x21c == 0x210 counter meta mark set meta mark & 0xffffffb3 | 0x40 accept",
              "ct mark & 0x210 == 0x210 counter accept",
              "ip daddr @pods4 ct state related counter meta mark set meta mark | 0x200 accept",
              "ip daddr @pods4 counter meta mark set meta mark | 0x200 ct mark set ct mark | 0x220",
          });
}

TEST_CASE("dual stack: the IPv6 twin of each rule") {
    const auto state = node_state(kDatapath, dual_stack_facts());
    const Lines prerouting = chain_lines(state, "prerouting");
    CHECK(prerouting.back() ==
          "ip6 saddr @pods6 counter meta mark set meta mark | 0x120 ct mark set ct mark | 0x100");
    CHECK(prerouting[prerouting.size() - 2] ==
          "ip saddr @pods4 counter meta mark set meta mark | 0x120 ct mark set ct mark | 0x100");
    CHECK(chain_lines(state, "nat_pre") ==
          Lines{
              "type nat hook prerouting priority -110; policy accept;",
              "ip saddr @pods4 meta l4proto 17 th dport 53 counter dnat ip to 10.244.1.10:15053",
              "ip6 saddr @pods6 meta l4proto 17 th dport 53 counter "
              "dnat ip6 to [fd00:10:244:1::10]:15053",
              "meta mark & 0x100 == 0x100 counter dnat ip to ip daddr",
              "meta mark & 0x100 == 0x100 counter dnat ip6 to ip6 daddr",
          });
    CHECK(chain_lines(state, "nat_post") ==
          Lines{
              "type nat hook postrouting priority 90; policy accept;",
              "meta mark & 0x100 == 0x100 counter snat ip to ip saddr",
              "meta mark & 0x100 == 0x100 counter snat ip6 to ip6 saddr",
              R"(oifname "istioin" ip saddr 10.244.1.10 counter snat ip to ip daddr)",
              R"(oifname "istioin" ip6 saddr fd00:10:244:1::10 counter snat ip6 to ip6 daddr)",
              R"(oifname "istioin" counter snat ip to ip saddr)",
              R"(oifname "istioin" counter snat ip6 to ip6 saddr)",
          });
    const std::string skip = " counter meta mark set meta mark | 0x200 ct mark set ct mark | 0x220";
    CHECK(chain_lines(state, "output") ==
          Lines{
              "type route hook output priority -90; policy accept;",
              "ct mark & 0x21c == 0x210 counter meta mark set meta mark & 0xffffffb3 | 0x40 accept",
              "ct mark & 0x210 == 0x210 counter accept",
              "ip daddr @pods4 ct state related counter meta mark set meta mark | 0x200 accept",
              "ip daddr @pods4" + skip,
              "ip6 daddr @pods6 ct state related counter meta mark set meta mark | 0x200 accept",
              "ip6 daddr @pods6 meta l4proto 6" + skip,
              "ip6 daddr @pods6 meta l4proto 17" + skip,
          });
}

TEST_CASE("without ztunnel: who does not wait passes outside the mesh, or is reset") {
    NodeFacts facts = ipv4_facts();
    facts.dns_capture = true;
    facts.without_ztunnel = true;
    facts.ztunnels = {{.addresses = {ip("10.244.1.10")}, .lane = std::nullopt}};
    facts.pods[0].without_ztunnel = WithoutZtunnel::reset;
    facts.pods[1].without_ztunnel = WithoutZtunnel::bypass;
    const auto state = node_state(kDatapath, facts);
    CHECK(set_lines(state, "pods4").size() == 2);
    CHECK(set_lines(state, "pods4_bypass") == Lines{"10.244.1.11"});
    CHECK(set_lines(state, "pods4_reset") == Lines{"10.244.1.12"});
    const std::string outside =
        " counter meta mark set meta mark | 0x200 ct mark set ct mark | 0x220 return";
    const Lines prerouting = chain_lines(state, "prerouting");
    CHECK(prerouting[prerouting.size() - 3] == "meta l4proto 6 ip saddr @pods4_bypass" + outside);
    CHECK(prerouting[prerouting.size() - 2] ==
          "meta l4proto 6 ip saddr @pods4_reset counter reject with tcp reset");
    const Lines inbound = chain_lines(state, "inbound");
    CHECK(inbound[1] == "meta l4proto 6 meta mark & 0x340 == 0x0 ip daddr @pods4_bypass" + outside);
    CHECK(inbound[2] ==
          "meta l4proto 6 meta mark & 0x340 == 0x0 ip daddr @pods4_reset counter reject with tcp "
          "reset");
    CHECK(chain_lines(state, "nat_pre")[1] == "ip saddr @pods4_bypass counter return");
    // The ztunnel that is gone has no device to name.
    CHECK(std::ranges::none_of(state.routes, [](const auto& route) {
        return route.link.empty() && route.type == model::RouteType::unicast;
    }));
    facts.without_ztunnel = false;
    facts.ztunnels = ipv4_facts().ztunnels;
    for (const auto& line : chain_lines(node_state(kDatapath, facts), "prerouting"))
        CHECK(line.find("pods4_") == std::string::npos);
}

TEST_CASE("every mark write leaves other agents' bits alone (U5)") {
    const auto state = node_state(kDatapath, dual_stack_facts());
    for (const auto& chain : state.tables.front().chains) {
        for (const auto& rule : chain.rules) {
            for (const auto& action : rule.actions) {
                if (const auto* set = std::get_if<model::SetMark>(&action)) {
                    CHECK((set->mark.mask & ~0x3fcU) == 0);
                }
                if (const auto* set = std::get_if<model::SetCtMark>(&action)) {
                    CHECK((set->mark.mask & ~0x37cU) == 0);
                }
            }
        }
    }
}

TEST_CASE("names and numbers come from the configuration") {
    Datapath datapath;
    datapath.inbound.node_link = "in0";
    datapath.outbound.node_link = "out0";
    datapath.geneve_port = 7000;
    datapath.marks.outbound = Mark::bits(0x1000);
    datapath.marks.to_ztunnel = Mark::bits(0x4000);
    datapath.ports.dns = 5353;
    datapath.filter = {.table = "mesh", .pods4 = "v4", .pods6 = "v6"};
    NodeFacts facts = ipv4_facts();
    facts.dns_capture = true;
    const auto state = node_state(datapath, facts);
    CHECK(state.tables.front().id.name == "mesh");
    CHECK(set_lines(state, "v4").size() == 2);
    const Lines prerouting = chain_lines(state, "prerouting");
    CHECK(prerouting[1] == R"(iifname "in0" counter meta mark set meta mark | 0x200 return)");
    CHECK(prerouting[2] == R"(iifname "out0" counter meta mark set meta mark | 0x200 return)");
    CHECK(prerouting[3] == "meta l4proto 17 th dport 7000 counter return");
    CHECK(prerouting.back() ==
          "ip saddr @v4 counter meta mark set meta mark | 0x1020 ct mark set ct mark | 0x1000");
    CHECK(chain_lines(state, "nat_pre")[1] ==
          "ip saddr @v4 meta l4proto 17 th dport 53 counter dnat ip to 10.244.1.10:5353");
    CHECK(chain_lines(state, "nat_post").back() == R"(oifname "in0" counter snat ip to ip saddr)");
    CHECK(chain_lines(state, "output")[1] ==
          "ct mark & 0x21c == 0x210 counter meta mark set meta mark & 0xffffbff3 | 0x4000 accept");
}

}  // namespace
}  // namespace ambient::desired
