#include "common/netlink/routing_text.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "common/base/parse.hpp"
#include "common/netlink/family.hpp"

namespace ambient::netlink {
namespace {

constexpr std::string_view kLink = " dev if";

// enum of linux/rtnetlink.h, RTN_UNSPEC and on.
constexpr std::array<std::string_view, 12> kTypes = {
    "none",        "",         "local", "broadcast", "anycast", "multicast", "blackhole",
    "unreachable", "prohibit", "throw", "nat",       "xresolve"};

std::string type_name(std::uint8_t type) {
    return type < kTypes.size() ? std::string(kTypes.at(type)) : fmt::format("type {}", type);
}

// `all`: what no address at all means.
std::string prefix_text(const Attributes& attributes, int attribute, int length,
                        std::string_view all) {
    const auto address = attributes.address(attribute);
    if (!address && length == 0) return std::string(all);
    const auto shown = address.value_or(IpAddress::any(Family::ipv4));
    if (length == address_bits(shown.family())) return to_string(shown);
    return fmt::format("{}/{}", to_string(shown), length);
}

template <class Header>
std::optional<Header> whole(std::span<const std::uint8_t> bytes) {
    Header header{};
    if (bytes.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
}

std::string gateway_text(const Attributes& attributes) {
    if (const auto gateway = attributes.address(RTA_GATEWAY)) return " via " + to_string(*gateway);
    const auto other = attributes.bytes(RTA_VIA);  // struct rtvia: a family, and its address
    if (other.size() <= sizeof(rtvia)) return {};
    const auto address = IpAddress::from_bytes(other.subspan(sizeof(rtvia)));
    if (!address) return " via ...";
    return fmt::format(" via {} {}", address->family() == Family::ipv6 ? "inet6" : "inet",
                       to_string(*address));
}

std::string next_hops(const Attributes& attributes) {
    std::string text;
    auto rest = attributes.bytes(RTA_MULTIPATH);
    while (const auto hop = whole<rtnexthop>(rest)) {
        if (hop->rtnh_len < sizeof(rtnexthop) || hop->rtnh_len > rest.size()) break;
        text += " nexthop" +
                gateway_text(Attributes::in(rest.first(hop->rtnh_len).subspan(sizeof(rtnexthop))));
        text += fmt::format("{}{} weight {}", kLink, hop->rtnh_ifindex, hop->rtnh_hops + 1);
        rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(hop->rtnh_len), rest.size()));
    }
    return text;
}

std::string scope_text(std::uint8_t scope) {
    switch (scope) {
        case RT_SCOPE_UNIVERSE: return {};
        case RT_SCOPE_LINK: return " scope link";
        case RT_SCOPE_HOST: return " scope host";
        case RT_SCOPE_NOWHERE: return " scope nowhere";
        default: return fmt::format(" scope {}", scope);
    }
}

// "" when there is no such range.
template <class Number>
std::string range_text(const Attributes& attributes, int attribute, std::string_view name) {
    const auto range = whole<std::array<Number, 2>>(attributes.bytes(attribute));
    if (!range) return {};
    const auto [first, last] = *range;
    return first == last && name != "uidrange" ? fmt::format(" {} {}", name, first)
                                               : fmt::format(" {} {}-{}", name, first, last);
}

std::string protocol_text(std::uint8_t protocol) {
    if (protocol == IPPROTO_TCP) return "tcp";
    return protocol == IPPROTO_UDP ? "udp" : fmt::format("{}", protocol);
}

std::string selectors(const fib_rule_hdr& header, const Attributes& attributes) {
    std::string text = " from " + prefix_text(attributes, FRA_SRC, header.src_len, "all");
    if (header.dst_len != 0 || attributes.has(FRA_DST))
        text += " to " + prefix_text(attributes, FRA_DST, header.dst_len, "all");
    if (header.tos != 0) text += fmt::format(" tos {:#x}", header.tos);
    const auto mark = attributes.u32(FRA_FWMARK);
    const auto mask = attributes.u32(FRA_FWMASK).value_or(mark ? 0xffffffff : 0);
    if (mask != 0) {
        text += fmt::format(" fwmark {:#x}", mark.value_or(0));
        if (mask != 0xffffffff) text += fmt::format("/{:#x}", mask);
    }
    if (const auto in = attributes.text(FRA_IIFNAME); !in.empty()) text += " iif " + in;
    if (const auto out = attributes.text(FRA_OIFNAME); !out.empty()) text += " oif " + out;
    text += range_text<std::uint32_t>(attributes, FRA_UID_RANGE, "uidrange");
    if (const auto protocol = attributes.u8(FRA_IP_PROTO))
        text += " ipproto " + protocol_text(*protocol);
    text += range_text<std::uint16_t>(attributes, FRA_SPORT_RANGE, "sport");
    text += range_text<std::uint16_t>(attributes, FRA_DPORT_RANGE, "dport");
    if (const auto id = whole<std::uint64_t>(attributes.bytes(FRA_TUN_ID)))
        text += fmt::format(" tun_id {}", be64toh(*id));
    return text;
}

std::string action_text(const fib_rule_hdr& header, const Attributes& attributes) {
    switch (header.action) {
        case FR_ACT_TO_TBL: {
            if (attributes.u8(FRA_L3MDEV).value_or(0) != 0) return " lookup [l3mdev-table]";
            auto text = fmt::format(" lookup {}", attributes.u32(FRA_TABLE).value_or(header.table));
            const auto length = attributes.s32(FRA_SUPPRESS_PREFIXLEN).value_or(-1);
            if (length != -1) text += fmt::format(" suppress_prefixlength {}", length);
            const auto group = attributes.s32(FRA_SUPPRESS_IFGROUP).value_or(-1);
            if (group != -1) text += fmt::format(" suppress_ifgroup {}", group);
            return text;
        }
        case FR_ACT_GOTO: return fmt::format(" goto {}", attributes.u32(FRA_GOTO).value_or(0));
        case FR_ACT_NOP: return " nop";
        // The others have the numbers of route types (include/uapi/linux/fib_rules.h).
        default: return " " + type_name(header.action);
    }
}

}  // namespace

std::string route_text(const rtmsg& header, const Attributes& attributes) {
    const auto type = type_name(header.rtm_type);
    auto text = type.empty() ? type : type + " ";
    text += prefix_text(attributes, RTA_DST, header.rtm_dst_len, "default");
    if (header.rtm_src_len != 0)
        text += " from " + prefix_text(attributes, RTA_SRC, header.rtm_src_len, "all");
    if (header.rtm_tos != 0) text += fmt::format(" tos {:#04x}", header.rtm_tos);
    if (attributes.has(RTA_ENCAP)) text += " encap ...";
    text += gateway_text(attributes);
    if (const auto link = attributes.u32(RTA_OIF)) text += fmt::format("{}{}", kLink, *link);
    text += fmt::format(" table {} proto {}", attributes.u32(RTA_TABLE).value_or(header.rtm_table),
                        header.rtm_protocol);
    if (header.rtm_family == AF_INET) text += scope_text(header.rtm_scope);
    if (const auto source = attributes.address(RTA_PREFSRC)) text += " src " + to_string(*source);
    if (const auto metric = attributes.u32(RTA_PRIORITY))
        text += fmt::format(" metric {}", *metric);
    if ((header.rtm_flags & RTNH_F_ONLINK) != 0) text += " onlink";
    if (attributes.has(RTA_METRICS)) {
        const auto mtu = attributes.nested(RTA_METRICS).u32(RTAX_MTU);
        text += mtu ? fmt::format(" mtu {}", *mtu) : " ...";
    }
    if (const auto id = attributes.u32(RTA_NH_ID)) text += fmt::format(" nhid {}", *id);
    return text + next_hops(attributes);
}

std::string rule_text(const fib_rule_hdr& header, const Attributes& attributes) {
    return fmt::format("{}:{}{}{} proto {}", attributes.u32(FRA_PRIORITY).value_or(0),
                       (header.flags & FIB_RULE_INVERT) != 0 ? " not" : "",
                       selectors(header, attributes), action_text(header, attributes),
                       attributes.u8(FRA_PROTOCOL).value_or(RTPROT_UNSPEC));
}

std::string with_link_names(
    const std::string& text,
    const std::function<std::optional<std::string>(std::uint32_t index)>& name_of) {
    std::string named;
    std::string_view rest = text;
    for (auto at = rest.find(kLink); at != rest.npos; at = rest.find(kLink)) {
        const auto number = at + kLink.size();
        const auto end = std::min(rest.find(' ', number), rest.size());
        const auto index = parse_integer<std::uint32_t>(rest.substr(number, end - number));
        const auto name = index ? name_of(*index) : std::nullopt;
        named += rest.substr(0, name ? at : end);
        if (name) named += " dev " + *name;
        rest = rest.substr(end);
    }
    return named.append(rest);
}

}  // namespace ambient::netlink
