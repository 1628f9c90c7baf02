// Links, addresses, routes and policy rules.
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/base/overloaded.hpp"
#include "common/base/parse.hpp"
#include "common/json/codec.hpp"

namespace ambient::json {
namespace {

using namespace model;

constexpr std::array<std::string_view, 4> kRouteTypes = {"unicast", "local", "unreachable",
                                                         "other"};
constexpr std::array<std::string_view, 3> kRouteScopes = {"universe", "link", "host"};
constexpr std::array<std::string_view, 2> kFamilies = {"ipv4", "ipv6"};
constexpr std::uint32_t kMaxVni = 0xffffff;  // 24 bits on the wire (RFC 8926, 3.4)

std::uint32_t default_metric(Family family) {
    return family == Family::ipv6 ? kIpv6DefaultMetric : 0;
}

LinkKind read_kind(ObjectReader& fields) {
    std::string name;
    fields.required("kind", [&](const Node& n) { name = read_text(n); });
    if (name == "veth") {
        Veth veth;
        fields.optional("peer", [&](const Node& n) { veth.peer = read_text(n); });
        return veth;
    }
    if (name != "geneve") return OtherLink{name};
    Geneve geneve;
    fields.required("vni", [&](const Node& n) { geneve.vni = read_as(n, kMaxVni); });
    fields.required("remote", [&](const Node& n) { geneve.remote = read_address(n); });
    fields.optional("udp_port",
                    [&](const Node& n) { geneve.udp_port = read_as<std::uint16_t>(n); });
    return geneve;
}

void add_kind(const LinkKind& kind, Value& value) {
    std::visit(Overloaded{[&](const OtherLink& o) { value["kind"] = o.kind; },
                          [&](const Geneve& g) {
                              value["kind"] = "geneve";
                              value["vni"] = g.vni;
                              value["remote"] = to_string(g.remote);
                              value["udp_port"] = g.udp_port;
                          },
                          [&](const Veth& v) {
                              value["kind"] = "veth";
                              if (!v.peer.empty()) value["peer"] = v.peer;
                          }},
               kind);
}

}  // namespace

IpAddress read_address(const Node& node) {
    return read_parsed(node, "an IP address",
                       [](const std::string& t) { return IpAddress::parse(t); });
}

Prefix read_prefix(const Node& node) {
    return read_parsed(node, "a prefix", [](const std::string& t) { return Prefix::parse(t); });
}

Mark read_mark(const Node& node) {
    return read_parsed(node, "a mark", [](const std::string& t) { return Mark::parse(t); });
}

Family read_family(const Node& node) { return read_enum<Family>(node, kFamilies); }

Value to_json(const Link& link) {
    Value value = {{"name", link.name}, {"up", link.up}};
    add_kind(link.kind, value);
    if (link.mac) value["mac"] = to_string(*link.mac);
    if (link.mtu) value["mtu"] = *link.mtu;
    return value;
}

Link read_link(const Node& node) {
    Link link;
    ObjectReader fields(node);
    fields.required("name", [&](const Node& n) { link.name = read_text(n); });
    link.kind = read_kind(fields);
    fields.optional("up", [&](const Node& n) { link.up = read_bool(n); });
    fields.optional("mac", [&](const Node& n) {
        link.mac = read_parsed(n, "a MAC address",
                               [](const std::string& t) { return MacAddress::parse(t); });
    });
    fields.optional("mtu", [&](const Node& n) { link.mtu = read_as<std::uint32_t>(n); });
    return link;
}

Value to_json(const InterfaceAddress& address) {
    Value value = {
        {"link", address.link},
        {"address", fmt::format("{}/{}", to_string(address.address), address.prefix_length)}};
    if (address.scope != RouteScope::universe)
        value["scope"] = kRouteScopes.at(std::to_underlying(address.scope));
    return value;
}

InterfaceAddress read_interface_address(const Node& node) {
    InterfaceAddress address;
    ObjectReader fields(node);
    fields.required("link", [&](const Node& n) { address.link = read_text(n); });
    // Not a Prefix: the host bits count.
    fields.required("address", [&](const Node& n) {
        const auto text = read_text(n);
        const auto slash = text.find('/');
        const auto parsed = IpAddress::parse(text.substr(0, slash));
        const auto bits = parsed ? address_bits(parsed->family()) : 0;
        const auto length = slash == std::string::npos
                                ? std::optional<int>{}
                                : parse_integer(text.substr(slash + 1), 0, bits);
        if (!parsed || !length) return n.complain("\"" + text + "\" is not address/length");
        address.address = *parsed;
        address.prefix_length = *length;
    });
    fields.optional("scope",
                    [&](const Node& n) { address.scope = read_enum<RouteScope>(n, kRouteScopes); });
    return address;
}

Value to_json(const Route& route) {
    Value value = {
        {"table", route.table}, {"to", to_string(route.destination)}, {"protocol", route.protocol}};
    if (!route.link.empty()) value["dev"] = route.link;
    if (route.gateway) value["via"] = to_string(*route.gateway);
    if (route.source) value["src"] = to_string(*route.source);
    if (route.metric != default_metric(route.destination.family())) value["metric"] = route.metric;
    if (route.type != RouteType::unicast)
        value["type"] = kRouteTypes.at(std::to_underlying(route.type));
    if (route.scope != RouteScope::universe)
        value["scope"] = kRouteScopes.at(std::to_underlying(route.scope));
    if (route.onlink) value["onlink"] = true;
    if (route.tos != 0) value["tos"] = route.tos;
    if (!route.beyond_model.empty()) value["beyond_model"] = route.beyond_model;
    return value;
}

Route read_route(const Node& node) {
    Route route;
    ObjectReader fields(node);
    fields.required("table", [&](const Node& n) { route.table = read_as<std::uint32_t>(n); });
    fields.required("to", [&](const Node& n) { route.destination = read_prefix(n); });
    fields.required("protocol", [&](const Node& n) { route.protocol = read_as<std::uint8_t>(n); });
    fields.optional("via", [&](const Node& n) { route.gateway = read_address(n); });
    fields.optional("src", [&](const Node& n) { route.source = read_address(n); });
    route.metric = default_metric(route.destination.family());
    fields.optional("metric", [&](const Node& n) { route.metric = read_as<std::uint32_t>(n); });
    fields.optional("type",
                    [&](const Node& n) { route.type = read_enum<RouteType>(n, kRouteTypes); });
    fields.optional("scope",
                    [&](const Node& n) { route.scope = read_enum<RouteScope>(n, kRouteScopes); });
    const auto read_dev = [&](const Node& n) { route.link = read_text(n); };
    if (route.type == RouteType::unicast || route.type == RouteType::local) {
        fields.required("dev", read_dev);
    } else {
        fields.optional("dev", read_dev);
    }
    fields.optional("onlink", [&](const Node& n) { route.onlink = read_bool(n); });
    fields.optional("tos", [&](const Node& n) { route.tos = read_as<std::uint8_t>(n); });
    fields.optional("beyond_model", [&](const Node& n) { route.beyond_model = read_text(n); });
    return route;
}

Value to_json(const PolicyRule& rule) {
    Value value = {{"family", to_string(rule.family)},
                   {"priority", rule.priority},
                   {"protocol", rule.protocol}};
    if (rule.mark.mask != 0)
        value["mark"] = fmt::format("{:#x}/{:#x}", rule.mark.value, rule.mark.mask);
    value["lookup"] = rule.table;
    if (!rule.beyond_model.empty()) value["beyond_model"] = rule.beyond_model;
    return value;
}

PolicyRule read_policy_rule(const Node& node) {
    PolicyRule rule;
    ObjectReader fields(node);
    fields.required("family", [&](const Node& n) { rule.family = read_family(n); });
    fields.required("priority", [&](const Node& n) { rule.priority = read_as<std::uint32_t>(n); });
    fields.required("protocol", [&](const Node& n) { rule.protocol = read_as<std::uint8_t>(n); });
    fields.optional("mark", [&](const Node& n) { rule.mark = read_mark(n); });
    fields.required("lookup", [&](const Node& n) { rule.table = read_as<std::uint32_t>(n); });
    fields.optional("beyond_model", [&](const Node& n) { rule.beyond_model = read_text(n); });
    return rule;
}

}  // namespace ambient::json
