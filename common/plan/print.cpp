#include "common/plan/print.hpp"

#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "common/base/overloaded.hpp"
#include "common/plan/nft_text.hpp"

namespace ambient::plan {
namespace {

using model::Geneve;
using model::Link;
using model::PolicyRule;
using model::Route;
using model::Veth;

std::string_view ip(Family family) { return family == Family::ipv4 ? "ip" : "ip -6"; }

// One word of a shell command.
std::string quoted(std::string_view word) {
    std::string text = "'";
    for (const char c : word)
        text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

std::string nft(std::string_view command) { return "nft " + quoted(command); }

// " address 02:00:00:00:00:01 mtu 1450 up", what `ip link add` and `ip link set` share
std::string link_options(const Link& link) {
    std::string text;
    if (link.mac) text += " address " + to_string(*link.mac);
    if (link.mtu) text += fmt::format(" mtu {}", *link.mtu);
    return text + (link.up ? " up" : "");
}

std::string create_link(const Link& link) {
    const auto kind =
        std::visit(Overloaded{[](const Geneve& g) {
                                  return fmt::format("geneve id {} remote {} dstport {}", g.vni,
                                                     to_string(g.remote), g.udp_port);
                              },
                              [](const Veth& v) { return "veth peer name " + v.peer; },
                              [](const model::OtherLink& o) { return o.kind; }},
                   link.kind);
    return fmt::format("ip link add {}{} type {}", link.name, link_options(link), kind);
}

// Only what differs; a Geneve device refuses its port even when it is the same
// (drivers/net/geneve.c, geneve_nl2info).
std::string change_link(const Link& wanted, const Link& found) {
    Link changed = wanted;
    if (wanted.mac == found.mac) changed.mac.reset();
    if (wanted.mtu == found.mtu) changed.mtu.reset();
    changed.up = wanted.up && !found.up;
    auto text = fmt::format("ip link set {}{}", wanted.name, link_options(changed));
    if (found.up && !wanted.up) text += " down";
    if (const auto* geneve = std::get_if<Geneve>(&wanted.kind);
        wanted.kind != found.kind && geneve) {
        text += fmt::format(" type geneve id {} remote {}", geneve->vni, to_string(geneve->remote));
    }
    return text;
}

std::string_view to_string(model::RouteScope scope) {
    switch (scope) {
        case model::RouteScope::universe: return "global";
        case model::RouteScope::link: return "link";
        case model::RouteScope::host: break;
    }
    return "host";
}

std::string address_line(std::string_view verb, const model::InterfaceAddress& address) {
    return fmt::format("ip address {} {}/{} dev {}", verb, to_string(address.address),
                       address.prefix_length, address.link);
}

std::string add_address(const model::InterfaceAddress& address) {
    const bool ipv6 = address.address.family() == Family::ipv6;
    auto text = address_line("add", address) + (ipv6 ? " nodad" : "");
    if (address.scope != model::RouteScope::universe)
        text += fmt::format(" scope {}", to_string(address.scope));
    return text;
}

std::string destination(const Prefix& prefix) {
    return prefix.length() == 0 ? "default" : to_string(prefix);
}

std::string_view type_prefix(model::RouteType type) {
    switch (type) {
        case model::RouteType::local: return "local ";
        case model::RouteType::unreachable: return "unreachable ";
        case model::RouteType::unicast:
        case model::RouteType::other: break;
    }
    return "";
}

std::string put_route(const Route& route) {
    const auto family = route.destination.family();
    auto text = fmt::format("{} route replace {}{}", ip(family), type_prefix(route.type),
                            destination(route.destination));
    if (route.gateway) text += " via " + to_string(*route.gateway);
    if (!route.link.empty()) text += " dev " + route.link;
    if (route.source) text += " src " + to_string(*route.source);
    text += fmt::format(" table {} proto {}", route.table, route.protocol);
    // `ip` chooses a scope of its own when there is no gateway.
    if (family == Family::ipv4) text += fmt::format(" scope {}", to_string(route.scope));
    if (route.metric != 0) text += fmt::format(" metric {}", route.metric);
    return text + (route.onlink ? " onlink" : "");
}

std::string delete_route(const Route& route) {
    auto text = fmt::format("{} route del {} table {} proto {}", ip(route.destination.family()),
                            destination(route.destination), route.table, route.protocol);
    if (route.metric != 0) text += fmt::format(" metric {}", route.metric);
    if (route.tos != 0) text += fmt::format(" tos {:#04x}", route.tos);
    return text;
}

std::string rule_line(std::string_view verb, const PolicyRule& rule) {
    auto text = fmt::format("{} rule {} pref {}", ip(rule.family), verb, rule.priority);
    if (rule.mark.mask != 0) {
        text += fmt::format(" fwmark {:#x}/{:#x}", rule.mark.value, rule.mark.mask);
    }
    if (rule.beyond_model.empty()) text += fmt::format(" lookup {}", rule.table);
    return text + fmt::format(" protocol {}", rule.protocol);
}

std::string set_sysctl(const model::Sysctl& sysctl) {
    const auto assignment = sysctl.path + "=" + sysctl.value;
    const bool plain = assignment.find_first_of(" \t'") == std::string::npos;
    return "sysctl -w " + (plain ? assignment : quoted(assignment));
}

std::string create_set(const CreateSet& s) {
    return nft(fmt::format("add set {} {} {{ type {};{} }}", to_string(s.table), s.set,
                           nft_type(s.type),
                           model::is_prefix_set(s.type) ? " flags interval;" : ""));
}

std::string create_chain(const CreateChain& s) {
    const auto hook = s.hook ? fmt::format(" {{ {} }}", nft_hook(*s.hook)) : "";
    return nft(fmt::format("add chain {} {}{}", to_string(s.table), s.chain, hook));
}

std::string element_line(std::string_view verb, const model::TableId& table, const std::string& set,
                         const std::string& element) {
    return nft(fmt::format("{} element {} {} {{ {} }}", verb, to_string(table), set, element));
}

std::string replace_rules(const ReplaceRules& s) {
    auto text = nft(fmt::format("flush chain {} {}", to_string(s.table), s.chain));
    for (const auto& rule : s.rules) {
        text += "\n" + nft(fmt::format("add rule {} {} {}", to_string(s.table), s.chain,
                                       nft_rule(rule, s.table.family)));
    }
    return text;
}

}  // namespace

std::string to_string(const Step& step) {
    return std::visit(
        Overloaded{
            [](const CreateLink& s) { return create_link(s.link); },
            [](const ChangeLink& s) { return change_link(s.wanted, s.found); },
            [](const DeleteLink& s) { return "ip link del " + s.link.name; },
            [](const AddAddress& s) { return add_address(s.address); },
            [](const DeleteAddress& s) { return address_line("del", s.address); },
            [](const PutRoute& s) { return put_route(s.route); },
            [](const DeleteRoute& s) { return delete_route(s.route); },
            [](const AddRule& s) { return rule_line("add", s.rule); },
            [](const DeleteRule& s) { return rule_line("del", s.rule); },
            [](const SetSysctl& s) { return set_sysctl(s.wanted); },
            [](const CreateTable& s) { return nft("add table " + to_string(s.table)); },
            [](const DeleteTable& s) { return nft("delete table " + to_string(s.table)); },
            [](const CreateSet& s) { return create_set(s); },
            [](const DeleteSet& s) {
                return nft(fmt::format("delete set {} {}", to_string(s.table), s.set));
            },
            [](const AddElement& s) {
                return element_line("add", s.table, s.set, nft_element(s.element));
            },
            [](const DeleteElement& s) {
                return element_line("delete", s.table, s.set, nft_key(s.element.key));
            },
            [](const CreateChain& s) { return create_chain(s); },
            [](const DeleteChain& s) {
                return nft(fmt::format("delete chain {} {}", to_string(s.table), s.chain));
            },
            [](const ReplaceRules& s) { return replace_rules(s); },
        },
        step);
}

std::string to_string(const Plan& plan) {
    std::string text;
    for (const auto& step : plan)
        text += to_string(step) + "\n";
    return text;
}

}  // namespace ambient::plan
