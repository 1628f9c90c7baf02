#include "tests/unit/netlink/nft_rule_samples.hpp"

namespace ambient::test {
namespace {

using namespace model;

constexpr auto kSource = Direction::source;
constexpr auto kDestination = Direction::destination;

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }
IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

Port port(Direction direction, std::uint16_t first, std::uint16_t last, bool negate = false) {
    return {.direction = direction, .first = first, .last = last, .negate = negate};
}
Address address(Direction direction, const char* text, bool negate = false) {
    return {.direction = direction, .prefix = prefix(text), .negate = negate};
}

const Protocol kIsTcp{.number = kTcp};
const Protocol kIsUdp{.number = kUdp};

std::vector<RuleSample> interfaces_and_protocols() {
    return {
        {R"(iifname "istioin")", {{InInterface{"istioin"}}, {}}},
        {R"(iifname != "veth-zt")", {{InInterface{"veth-zt", true}}, {}}},
        {R"(oifname "fifteen-letters")", {{OutInterface{"fifteen-letters"}}, {}}},
        {R"(oifname != "e")", {{OutInterface{"e", true}}, {}}},
        {"meta nfproto ipv4", {{IsFamily{Family::ipv4}}, {}}},
        {"meta nfproto ipv6", {{IsFamily{Family::ipv6}}, {}}},
        {"meta l4proto tcp", {{kIsTcp}, {}}},
        {"meta l4proto != tcp", {{Protocol{kTcp, true}}, {}}},
        {"meta l4proto ipv6-icmp", {{Protocol{58}}, {}}},
        {"tcp dport 15008", {{kIsTcp, port(kDestination, 15008, 15008)}, {}}},
        {"tcp dport != 80", {{kIsTcp, port(kDestination, 80, 80, true)}, {}}},
        {"udp sport 53", {{kIsUdp, port(kSource, 53, 53)}, {}}},
        {"tcp dport 15000-15009", {{kIsTcp, port(kDestination, 15000, 15009)}, {}}},
        {"udp sport != 1-65535", {{kIsUdp, port(kSource, 1, 65535, true)}, {}}},
    };
}

std::vector<RuleSample> addresses() {
    return {
        {"ip saddr 10.244.1.11", {{address(kSource, "10.244.1.11")}, {}}},
        {"ip daddr != 10.244.1.10", {{address(kDestination, "10.244.1.10", true)}, {}}},
        {"ip saddr 10.0.0.0/8", {{address(kSource, "10.0.0.0/8")}, {}}},
        {"ip daddr 10.128.0.0/9", {{address(kDestination, "10.128.0.0/9")}, {}}},
        {"ip saddr != 10.1.2.0/23", {{address(kSource, "10.1.2.0/23", true)}, {}}},
        {"ip saddr 0.0.0.0/0", {{address(kSource, "0.0.0.0/0")}, {}}},
        {"ip6 saddr fd00::1", {{address(kSource, "fd00::1")}, {}}},
        {"ip6 daddr fe80::/10", {{address(kDestination, "fe80::/10")}, {}}},
        {"ip6 daddr != ff00::/8", {{address(kDestination, "ff00::/8", true)}, {}}},
        {"ip6 saddr ::/0", {{address(kSource, "::/0")}, {}}},
        {"ip saddr 10.0.0.1 ip daddr 10.0.0.2",
         {{address(kSource, "10.0.0.1"), address(kDestination, "10.0.0.2")}, {}}},
        {"ip saddr @pods4", {{InSet{kSource, Family::ipv4, "pods4"}}, {}}},
        {"ip daddr != @pods4", {{InSet{kDestination, Family::ipv4, "pods4", true}}, {}}},
        {"ip6 daddr @pods6", {{InSet{kDestination, Family::ipv6, "pods6"}}, {}}},
        {"ip6 saddr != @pods6", {{InSet{kSource, Family::ipv6, "pods6", true}}, {}}},
        {"ip saddr @pods4 udp dport 53",
         {{InSet{kSource, Family::ipv4, "pods4"}, kIsUdp, port(kDestination, 53, 53)}, {}}},
    };
}

std::vector<RuleSample> sets() {
    return {
        {"iifname @links", {{InterfaceInSet{kSource, "links"}}, {}}},
        {"oifname != @links", {{InterfaceInSet{kDestination, "links", true}}, {}}},
        {"tcp dport @ports", {{kIsTcp, PortInSet{kDestination, "ports"}}, {}}},
        {"udp sport != @ports", {{kIsUdp, PortInSet{kSource, "ports", true}}, {}}},
        {"ip daddr . tcp dport @endpoints4",
         {{kIsTcp, EndpointInSet{kDestination, Family::ipv4, "endpoints4"}}, {}},
         "meta l4proto tcp ip daddr . tcp dport @endpoints4"},
        {"ip6 saddr . udp sport != @endpoints6",
         {{kIsUdp, EndpointInSet{kSource, Family::ipv6, "endpoints6", true}}, {}},
         "meta l4proto udp ip6 saddr . udp sport != @endpoints6"},
        {"ip daddr @ranges4", {{InSet{kDestination, Family::ipv4, "ranges4"}}, {}}},
    };
}

std::vector<RuleSample> marks_states_and_owners() {
    return {
        {"meta mark 0x00000200", {{MarkIs{{.value = 0x200}}}, {}}},
        {"meta mark != 0x00000200", {{MarkIs{{.value = 0x200}, true}}, {}}},
        {"meta mark & 0x00000100 == 0x00000100", {{MarkIs{Mark::bits(0x100)}}, {}}},
        {"meta mark & 0x00000fff != 0x000004d3", {{MarkIs{{0x4d3, 0xfff}, true}}, {}}},
        {"meta mark & 0x00000230 == 0x00000000", {{MarkIs{{0, 0x230}}}, {}}},
        {"ct mark 0x00000220", {{CtMarkIs{{.value = 0x220}}}, {}}},
        {"ct mark != 0x00000220", {{CtMarkIs{{.value = 0x220}, true}}, {}}},
        {"ct mark & 0x00000210 == 0x00000210", {{CtMarkIs{Mark::bits(0x210)}}, {}}},
        {"ct mark & 0x00000230 != 0x00000000", {{CtMarkIs{{0, 0x230}, true}}, {}}},
        {"ct state established", {{CtStateIn{kCtEstablished}}, {}}},
        {"ct state established,related", {{CtStateIn{kCtEstablished | kCtRelated}}, {}}},
        {"ct state invalid,new", {{CtStateIn{1 | kCtNew}}, {}}},
        {"meta skuid 1337", {{SocketUser{1337, 1337}}, {}}},
        {"meta skuid != 1337", {{SocketUser{1337, 1337, true}}, {}}},
        {"meta skuid 1000-2000", {{SocketUser{1000, 2000}}, {}}},
        {"meta skgid 1337", {{SocketGroup{1337, 1337}}, {}}},
        {"meta skgid 1-4294967294", {{SocketGroup{1, 4294967294}}, {}}},
        {"meta skgid != 1000-2000", {{SocketGroup{1000, 2000, true}}, {}}},
        {"socket transparent 1", {{HasSocket{true}}, {}}},
        {"socket transparent 0", {{HasSocket{false}}, {}}},
    };
}

std::vector<RuleSample> simple_actions() {
    return {
        {"counter", {{}, {Counter{}}}},
        {R"(log prefix "ambient: ")", {{}, {Log{"ambient: "}}}},
        {"log", {{}, {Log{}}}},
        {"meta mark set 0x00000200", {{}, {SetMark{{.value = 0x200}}}}},
        {"meta mark set meta mark | 0x00000200", {{}, {SetMark{Mark::bits(0x200)}}}},
        {"meta mark set meta mark & 0xfffff4d3 | 0x000004d3", {{}, {SetMark{{0x4d3, 0xfff}}}}},
        {"meta mark set meta mark & 0xfffffdff", {{}, {SetMark{{0, 0x200}}}}},
        {"ct mark set 0x00000220", {{}, {SetCtMark{{.value = 0x220}}}}},
        {"ct mark set ct mark | 0x00000220", {{}, {SetCtMark{Mark::bits(0x220)}}}},
        {"ct mark set meta mark", {{}, {SaveMark{}}}},
        {"meta mark set ct mark", {{}, {RestoreMark{}}}},
        {"ct zone set 4098", {{}, {SetCtZone{4098}}}},
        {"accept", {{}, {Accept{}}}},
        {"drop", {{}, {Drop{}}}},
        {"meta l4proto tcp reject with tcp reset", {{kIsTcp}, {Reset{}}}},
        {"return", {{}, {Return{}}}},
        {"jump other", {{}, {Jump{"other"}}}},
        {R"(iifname "veth-zt" counter meta mark set meta mark | 0x00000220 ct mark set ct mark | 0x00000220 return)",
         {{InInterface{"veth-zt"}},
          {Counter{}, SetMark{Mark::bits(0x220)}, SetCtMark{Mark::bits(0x220)}, Return{}}}},
    };
}

std::vector<RuleSample> translations() {
    const MarkIs captured{Mark::bits(0x100)};
    return {
        {"meta l4proto tcp meta nfproto ipv4 tproxy ip to 127.0.0.1:15001 meta mark set meta mark "
         "& 0xfffff400 | "
         "0x00000400 accept",
         {{kIsTcp, IsFamily{Family::ipv4}},
          {Tproxy{ip("127.0.0.1"), 15001}, SetMark{{0x400, 0xfff}}, Accept{}}}},
        {"meta l4proto tcp tproxy ip6 to [::1]:15006", {{kIsTcp}, {Tproxy{ip("::1"), 15006}}}},
        {"meta l4proto tcp redirect to :15006", {{kIsTcp}, {Redirect{15006}}}},
        {"dnat ip to 10.0.0.1", {{}, {Dnat{ip("10.0.0.1"), {}}}}},
        {"dnat ip6 to fd00::1", {{}, {Dnat{ip("fd00::1"), {}}}}},
        {"meta l4proto udp counter dnat ip to 10.244.1.10:15053",
         {{kIsUdp}, {Counter{}, Dnat{ip("10.244.1.10"), 15053}}}},
        {"meta l4proto tcp dnat ip6 to [fd00::1]:80", {{kIsTcp}, {Dnat{ip("fd00::1"), 80}}}},
        {"snat ip to 10.0.0.1", {{}, {Snat{ip("10.0.0.1"), {}}}}},
        {"meta l4proto udp snat ip6 to [fd00::1]:53", {{kIsUdp}, {Snat{ip("fd00::1"), 53}}}},
        {"dnat ip to ip daddr", {{}, {KeepDestination{Family::ipv4}}}},
        {"meta mark & 0x00000100 == 0x00000100 counter dnat ip6 to ip6 daddr",
         {{captured}, {Counter{}, KeepDestination{Family::ipv6}}}},
        {R"(oifname "istioin" counter snat ip to ip saddr)",
         {{OutInterface{"istioin"}}, {Counter{}, KeepSource{Family::ipv4}}}},
        {"snat ip6 to ip6 saddr", {{}, {KeepSource{Family::ipv6}}}},
        {"snat ip to ip daddr", {{}, {SourceFromDestination{Family::ipv4}}}},
        {"snat ip6 to ip6 daddr", {{}, {SourceFromDestination{Family::ipv6}}}},
        // The check of the family that the match needs serves the translation too.
        {"ip saddr 10.0.0.1 dnat ip to ip daddr",
         {{address(kSource, "10.0.0.1")}, {KeepDestination{Family::ipv4}}}},
    };
}

}  // namespace

std::vector<RuleSample> rule_samples() {
    std::vector<RuleSample> all;
    for (const auto& group : {interfaces_and_protocols(), addresses(), sets(),
                              marks_states_and_owners(), simple_actions(), translations()}) {
        all.insert(all.end(), group.begin(), group.end());
    }
    return all;
}

}  // namespace ambient::test
