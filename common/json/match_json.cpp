// The matches of a packet-filter rule: {"in_interface": "eth0", "not": true}.
#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "common/base/overloaded.hpp"
#include "common/base/parse.hpp"
#include "common/json/codec.hpp"

namespace ambient::json {
namespace {

using namespace model;

template <class T>
struct Range {
    T first = 0;
    T last = 0;
};

template <class T>
Value range_value(T first, T last) {
    if (first == last) return first;
    return std::to_string(first) + "-" + std::to_string(last);
}

// 15008, or "15000-15100"
template <class T>
Range<T> read_range(const Node& node) {
    if (node.value.is_number()) {
        const T number = read_as<T>(node);
        return {number, number};
    }
    return read_parsed(node, "a number or a range",
                       [](const std::string& text) -> std::optional<Range<T>> {
                           const auto dash = text.find('-');
                           if (dash == std::string::npos) return std::nullopt;
                           const auto first = parse_integer<T>(text.substr(0, dash));
                           const auto last = parse_integer<T>(text.substr(dash + 1));
                           if (!first || !last || *first > *last) return std::nullopt;
                           return Range<T>{*first, *last};
                       });
}

constexpr std::array<std::pair<std::string_view, std::uint32_t>, 5> kCtStates = {
    {{"invalid", 1},
     {"established", kCtEstablished},
     {"related", kCtRelated},
     {"new", kCtNew},
     {"untracked", 64}}};

Value states_value(std::uint32_t states) {
    auto list = Value::array();
    for (const auto& [name, bit] : kCtStates) {
        if ((states & bit) != 0) list.push_back(name);
    }
    return list;
}

std::uint32_t read_states(const Node& node) {
    std::uint32_t states = 0;
    read_list(node, [&](const Node& n) {
        const auto text = read_text(n);
        const auto* state =
            std::ranges::find(kCtStates, text, [](const auto& s) { return s.first; });
        if (state == kCtStates.end())
            return n.complain("\"" + text + "\" is not a connection state");
        states |= state->second;
    });
    return states;
}

const char* side(Direction direction, const char* source, const char* destination) {
    return direction == Direction::source ? source : destination;
}

Value fields_of(const Match& match) {
    return std::visit(
        Overloaded{
            [](const InInterface& m) -> Value { return {{"in_interface", m.name}}; },
            [](const OutInterface& m) -> Value { return {{"out_interface", m.name}}; },
            [](const IsFamily& m) -> Value { return {{"is_family", to_string(m.family)}}; },
            [](const Protocol& m) -> Value { return {{"protocol", m.number}}; },
            [](const Port& m) -> Value {
                return {{side(m.direction, "source_port", "destination_port"),
                         range_value(m.first, m.last)}};
            },
            [](const Address& m) -> Value {
                return {{side(m.direction, "source", "destination"), to_string(m.prefix)}};
            },
            [](const InSet& m) -> Value {
                return {{side(m.direction, "source_in", "destination_in"), m.set},
                        {"family", to_string(m.family)}};
            },
            [](const InterfaceInSet& m) -> Value {
                return {{side(m.direction, "in_interface_in", "out_interface_in"), m.set}};
            },
            [](const PortInSet& m) -> Value {
                return {{side(m.direction, "source_port_in", "destination_port_in"), m.set}};
            },
            [](const EndpointInSet& m) -> Value {
                return {{side(m.direction, "source_endpoint_in", "destination_endpoint_in"), m.set},
                        {"family", to_string(m.family)}};
            },
            [](const MarkIs& m) -> Value { return {{"mark", to_string(m.mark)}}; },
            [](const CtMarkIs& m) -> Value { return {{"ct_mark", to_string(m.mark)}}; },
            [](const CtStateIn& m) -> Value { return {{"ct_state", states_value(m.states)}}; },
            [](const SocketUser& m) -> Value {
                return {{"socket_user", range_value(m.first, m.last)}};
            },
            [](const SocketGroup& m) -> Value {
                return {{"socket_group", range_value(m.first, m.last)}};
            },
            [](const HasSocket& m) -> Value { return {{"socket_transparent", m.transparent}}; },
        },
        match);
}

bool negated(const Match& match) {
    return std::visit(
        [](const auto& m) {
            if constexpr (requires { m.negate; }) return m.negate;
            return false;
        },
        match);
}

void negate(Match& match, const Node& node) {
    std::visit(
        [&](auto& m) {
            if constexpr (requires { m.negate; }) {
                m.negate = read_bool(node);
            } else {
                node.complain("is not possible for this match");
            }
        },
        match);
}

// Of a match that does not say it by its value.
Family* family_of(Match& match) {
    if (auto* set = std::get_if<InSet>(&match)) return &set->family;
    if (auto* set = std::get_if<EndpointInSet>(&match)) return &set->family;
    return nullptr;
}

Port read_port(Direction direction, const Node& node) {
    const auto range = read_range<std::uint16_t>(node);
    return {.direction = direction, .first = range.first, .last = range.last};
}

template <class Owner>
Owner read_owner(const Node& node) {
    const auto range = read_range<std::uint32_t>(node);
    return {.first = range.first, .last = range.last};
}

template <class InSomeSet, Direction direction>
Match read_in_set(const Node& node) {
    return InSomeSet{.direction = direction, .set = read_text(node)};
}

using ReadMatch = Match (*)(const Node&);
constexpr std::array<std::pair<const char*, ReadMatch>, 22> kMatches = {{
    {"in_interface", [](const Node& n) -> Match { return InInterface{.name = read_text(n)}; }},
    {"out_interface", [](const Node& n) -> Match { return OutInterface{.name = read_text(n)}; }},
    {"is_family", [](const Node& n) -> Match { return IsFamily{.family = read_family(n)}; }},
    {"protocol",
     [](const Node& n) -> Match { return Protocol{.number = read_as<std::uint8_t>(n)}; }},
    {"source_port", [](const Node& n) -> Match { return read_port(Direction::source, n); }},
    {"destination_port",
     [](const Node& n) -> Match { return read_port(Direction::destination, n); }},
    {"source",
     [](const Node& n) -> Match {
         return Address{.direction = Direction::source, .prefix = read_prefix(n)};
     }},
    {"destination",
     [](const Node& n) -> Match {
         return Address{.direction = Direction::destination, .prefix = read_prefix(n)};
     }},
    {"source_in", read_in_set<InSet, Direction::source>},
    {"destination_in", read_in_set<InSet, Direction::destination>},
    {"in_interface_in", read_in_set<InterfaceInSet, Direction::source>},
    {"out_interface_in", read_in_set<InterfaceInSet, Direction::destination>},
    {"source_port_in", read_in_set<PortInSet, Direction::source>},
    {"destination_port_in", read_in_set<PortInSet, Direction::destination>},
    {"source_endpoint_in", read_in_set<EndpointInSet, Direction::source>},
    {"destination_endpoint_in", read_in_set<EndpointInSet, Direction::destination>},
    {"mark", [](const Node& n) -> Match { return MarkIs{.mark = read_mark(n)}; }},
    {"ct_mark", [](const Node& n) -> Match { return CtMarkIs{.mark = read_mark(n)}; }},
    {"ct_state", [](const Node& n) -> Match { return CtStateIn{.states = read_states(n)}; }},
    {"socket_user", [](const Node& n) -> Match { return read_owner<SocketUser>(n); }},
    {"socket_group", [](const Node& n) -> Match { return read_owner<SocketGroup>(n); }},
    {"socket_transparent",
     [](const Node& n) -> Match { return HasSocket{.transparent = read_bool(n)}; }},
}};

}  // namespace

Value to_json(const Match& match) {
    auto value = fields_of(match);
    if (negated(match)) value["not"] = true;
    return value;
}

Match read_match(const Node& node) {
    Match match;
    ObjectReader fields(node);
    const auto* kind =
        std::ranges::find_if(kMatches, [&](const auto& k) { return fields.has(k.first); });
    if (kind == kMatches.end()) {
        node.complain("is not a match that is known here");
        return match;
    }
    fields.required(kind->first, [&](const Node& n) { match = kind->second(n); });
    if (auto* family = family_of(match))
        fields.required("family", [&](const Node& n) { *family = read_family(n); });
    fields.optional("not", [&](const Node& n) { negate(match, n); });
    return match;
}

}  // namespace ambient::json
