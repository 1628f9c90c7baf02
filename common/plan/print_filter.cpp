#include <array>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "common/base/overloaded.hpp"
#include "common/plan/nft_text.hpp"

namespace ambient::plan {
namespace {

using namespace model;

std::string_view ip(Family family) { return family == Family::ipv4 ? "ip" : "ip6"; }

std::string_view unequal(bool negate) { return negate ? "!= " : ""; }

// "ip saddr", "ip6 daddr"
std::string address_field(Family family, Direction direction) {
    return fmt::format("{} {}addr", ip(family), direction == Direction::source ? 's' : 'd');
}

std::string_view port_field(Direction direction) {
    return direction == Direction::source ? "th sport" : "th dport";
}

std::string range(std::uint32_t first, std::uint32_t last) {
    return first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

std::string mark_match(std::string_view field, const Mark& mark, bool negate) {
    const auto* comparison = negate ? "!=" : "==";
    if (mark.mask == 0xffffffff) return fmt::format("{} {} {:#x}", field, comparison, mark.value);
    return fmt::format("{} & {:#x} {} {:#x}", field, mark.mask, comparison, mark.value);
}

std::string mark_write(std::string_view field, const Mark& mark) {
    if (mark.mask == 0xffffffff) return fmt::format("{} set {:#x}", field, mark.value);
    if (mark.mask == mark.value) return fmt::format("{0} set {0} | {1:#x}", field, mark.value);
    return fmt::format("{0} set {0} & {1:#x} | {2:#x}", field, ~mark.mask, mark.value);
}

std::string ct_states(std::uint32_t states) {
    // NF_CT_STATE_BIT of enum ip_conntrack_info, and NF_CT_STATE_UNTRACKED_BIT.
    struct Named {
        std::uint32_t bit;
        std::string_view name;
    };
    static constexpr std::array kStates = {
        Named{1, "invalid"}, Named{kCtEstablished, "established"}, Named{kCtRelated, "related"},
        Named{kCtNew, "new"}, Named{64, "untracked"}};
    std::string text;
    for (const auto& state : kStates) {
        if ((states & state.bit) == 0) continue;
        if (!text.empty()) text += ',';
        text += state.name;
    }
    return "ct state " + text;
}

// "10.0.0.1:53", "[fd00::1]:53", "10.0.0.1"
std::string endpoint(const IpAddress& address, std::optional<std::uint16_t> port) {
    if (!port) return to_string(address);
    const auto* form = address.family() == Family::ipv4 ? "{}:{}" : "[{}]:{}";
    return fmt::format(fmt::runtime(form), to_string(address), *port);
}

// Whether a packet is of a family is another question for a frame on a bridge: nf_tables gives its
// own family there, the bridges'.
std::string family_match(Family family, TableFamily table) {
    if (table == TableFamily::bridge) return fmt::format("meta protocol {}", ip(family));
    return fmt::format("meta nfproto {}", to_string(family));
}

std::string match_text(const Match& match, TableFamily table) {
    return std::visit(
        Overloaded{
            [](const InInterface& m) {
                return fmt::format("iifname {}\"{}\"", unequal(m.negate), m.name);
            },
            [](const OutInterface& m) {
                return fmt::format("oifname {}\"{}\"", unequal(m.negate), m.name);
            },
            [&](const IsFamily& m) { return family_match(m.family, table); },
            [](const Protocol& m) {
                return fmt::format("meta l4proto {}{}", unequal(m.negate), m.number);
            },
            [](const Port& m) {
                return fmt::format("{} {}{}", port_field(m.direction), unequal(m.negate),
                                   range(m.first, m.last));
            },
            [](const Address& m) {
                return fmt::format("{} {}{}", address_field(m.prefix.family(), m.direction),
                                   unequal(m.negate), to_string(m.prefix));
            },
            [](const InSet& m) {
                return fmt::format("{} {}@{}", address_field(m.family, m.direction),
                                   unequal(m.negate), m.set);
            },
            [](const InterfaceInSet& m) {
                return fmt::format("{}ifname {}@{}", m.direction == Direction::source ? 'i' : 'o',
                                   unequal(m.negate), m.set);
            },
            [](const PortInSet& m) {
                return fmt::format("{} {}@{}", port_field(m.direction), unequal(m.negate), m.set);
            },
            [](const EndpointInSet& m) {
                return fmt::format("{} . {} {}@{}", address_field(m.family, m.direction),
                                   port_field(m.direction), unequal(m.negate), m.set);
            },
            [](const MarkIs& m) { return mark_match("meta mark", m.mark, m.negate); },
            [](const CtMarkIs& m) { return mark_match("ct mark", m.mark, m.negate); },
            [](const CtStateIn& m) { return ct_states(m.states); },
            [](const SocketUser& m) {
                return fmt::format("meta skuid {}{}", unequal(m.negate), range(m.first, m.last));
            },
            [](const SocketGroup& m) {
                return fmt::format("meta skgid {}{}", unequal(m.negate), range(m.first, m.last));
            },
            [](const HasSocket& m) {
                return fmt::format("socket transparent {}", m.transparent ? 1 : 0);
            },
        },
        match);
}

std::string action_text(const Action& action) {
    return std::visit(
        Overloaded{
            [](const Counter&) -> std::string { return "counter"; },
            [](const Log& a) { return fmt::format("log prefix \"{}\"", a.prefix); },
            [](const SetMark& a) { return mark_write("meta mark", a.mark); },
            [](const SetCtMark& a) { return mark_write("ct mark", a.mark); },
            [](const SaveMark&) -> std::string { return "ct mark set meta mark"; },
            [](const RestoreMark&) -> std::string { return "meta mark set ct mark"; },
            [](const SetCtZone& a) { return fmt::format("ct zone set {}", a.zone); },
            [](const Tproxy& a) {
                return fmt::format("tproxy {} to {}", ip(a.address.family()),
                                   endpoint(a.address, a.port));
            },
            [](const Redirect& a) { return fmt::format("redirect to :{}", a.port); },
            [](const Dnat& a) {
                return fmt::format("dnat {} to {}", ip(a.address.family()),
                                   endpoint(a.address, a.port));
            },
            [](const Snat& a) {
                return fmt::format("snat {} to {}", ip(a.address.family()),
                                   endpoint(a.address, a.port));
            },
            [](const KeepDestination& a) {
                return fmt::format("dnat {0} to {0} daddr", ip(a.family));
            },
            [](const KeepSource& a) { return fmt::format("snat {0} to {0} saddr", ip(a.family)); },
            [](const SourceFromDestination& a) {
                return fmt::format("snat {0} to {0} daddr", ip(a.family));
            },
            [](const Accept&) -> std::string { return "accept"; },
            [](const Drop&) -> std::string { return "drop"; },
            [](const Reset&) -> std::string { return "reject with tcp reset"; },
            [](const Return&) -> std::string { return "return"; },
            [](const Jump& a) { return "jump " + a.chain; },
        },
        action);
}

std::string_view to_string(ChainType type) {
    switch (type) {
        case ChainType::filter: return "filter";
        case ChainType::nat: return "nat";
        case ChainType::route: break;
    }
    return "route";
}

std::string_view to_string(Hook hook) {
    switch (hook) {
        case Hook::prerouting: return "prerouting";
        case Hook::input: return "input";
        case Hook::forward: return "forward";
        case Hook::output: return "output";
        case Hook::postrouting: break;
    }
    return "postrouting";
}

}  // namespace

std::string nft_rule(const FilterRule& rule, TableFamily table) {
    std::string text;
    const auto add = [&](const std::string& part) {
        if (!text.empty()) text += ' ';
        text += part;
    };
    for (const auto& match : rule.matches)
        add(match_text(match, table));
    for (const auto& action : rule.actions)
        add(action_text(action));
    return text;
}

std::string nft_hook(const ChainHook& hook) {
    return fmt::format("type {} hook {} priority {}; policy accept;", to_string(hook.type),
                       to_string(hook.hook), hook.priority);
}

std::string_view nft_type(SetType type) {
    switch (type) {
        case SetType::ipv4_address:
        case SetType::ipv4_prefix: return "ipv4_addr";
        case SetType::ipv6_address:
        case SetType::ipv6_prefix: return "ipv6_addr";
        case SetType::interface: return "ifname";
        case SetType::port: return "inet_service";
        case SetType::ipv4_endpoint: return "ipv4_addr . inet_service";
        case SetType::ipv6_endpoint: break;
    }
    return "ipv6_addr . inet_service";
}

std::string nft_key(const SetKey& key) {
    const auto text = to_string(key);
    return std::holds_alternative<InterfaceName>(key) ? '"' + text + '"' : text;
}

std::string nft_element(const SetElement& element) {
    auto key = nft_key(element.key);
    if (element.comment.empty()) return key;
    return fmt::format("{} comment \"{}\"", key, element.comment);
}

}  // namespace ambient::plan
