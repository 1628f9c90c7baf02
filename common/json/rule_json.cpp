// The packet filter's rule language: {"match": [{"in_interface": "eth0", "not": true}], "do":
// ["counter", "drop"]}.
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

// ---- pieces ----

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

struct Endpoint {
    IpAddress address;
    std::optional<std::uint16_t> port;
};

Value endpoint_value(const IpAddress& address, std::optional<std::uint16_t> port) {
    Value value = {{"address", to_string(address)}};
    if (port) value["port"] = *port;
    return value;
}

Endpoint read_endpoint(const Node& node) {
    Endpoint endpoint;
    ObjectReader fields(node);
    fields.required("address", [&](const Node& n) { endpoint.address = read_address(n); });
    fields.optional("port", [&](const Node& n) { endpoint.port = read_as<std::uint16_t>(n); });
    return endpoint;
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

// ---- matches ----

const char* side(Direction direction, const char* source, const char* destination) {
    return direction == Direction::source ? source : destination;
}

Value match_value(const Match& match) {
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
            [](const MarkIs& m) -> Value { return {{"mark", to_string(m.mark)}}; },
            [](const CtMarkIs& m) -> Value { return {{"ct_mark", to_string(m.mark)}}; },
            [](const CtStateIn& m) -> Value { return {{"ct_state", states_value(m.states)}}; },
            [](const SocketUser& m) -> Value {
                return {{"socket_user", range_value(m.first, m.last)}};
            },
            [](const SocketGroup& m) -> Value {
                return {{"socket_group", range_value(m.first, m.last)}};
            },
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

Port read_port(Direction direction, const Node& node) {
    const auto range = read_range<std::uint16_t>(node);
    return {.direction = direction, .first = range.first, .last = range.last};
}

template <class Owner>
Owner read_owner(const Node& node) {
    const auto range = read_range<std::uint32_t>(node);
    return {.first = range.first, .last = range.last};
}

using ReadMatch = Match (*)(const Node&);
constexpr std::array<std::pair<const char*, ReadMatch>, 15> kMatches = {{
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
    {"source_in",
     [](const Node& n) -> Match {
         return InSet{.direction = Direction::source, .set = read_text(n)};
     }},
    {"destination_in",
     [](const Node& n) -> Match {
         return InSet{.direction = Direction::destination, .set = read_text(n)};
     }},
    {"mark", [](const Node& n) -> Match { return MarkIs{.mark = read_mark(n)}; }},
    {"ct_mark", [](const Node& n) -> Match { return CtMarkIs{.mark = read_mark(n)}; }},
    {"ct_state", [](const Node& n) -> Match { return CtStateIn{.states = read_states(n)}; }},
    {"socket_user", [](const Node& n) -> Match { return read_owner<SocketUser>(n); }},
    {"socket_group", [](const Node& n) -> Match { return read_owner<SocketGroup>(n); }},
}};

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
    if (auto* set = std::get_if<InSet>(&match)) {
        fields.required("family", [&](const Node& n) { set->family = read_family(n); });
    }
    fields.optional("not", [&](const Node& n) { negate(match, n); });
    return match;
}

// ---- actions ----

Value action_value(const Action& action) {
    return std::visit(
        Overloaded{
            [](const Counter&) -> Value { return "counter"; },
            [](const Log& a) -> Value { return {{"log", a.prefix}}; },
            [](const SetMark& a) -> Value { return {{"set_mark", to_string(a.mark)}}; },
            [](const SetCtMark& a) -> Value { return {{"set_ct_mark", to_string(a.mark)}}; },
            [](const SaveMark&) -> Value { return "save_mark"; },
            [](const RestoreMark&) -> Value { return "restore_mark"; },
            [](const Tproxy& a) -> Value {
                return {{"tproxy", endpoint_value(a.address, a.port)}};
            },
            [](const Redirect& a) -> Value { return {{"redirect", a.port}}; },
            [](const Dnat& a) -> Value { return {{"dnat", endpoint_value(a.address, a.port)}}; },
            [](const Snat& a) -> Value { return {{"snat", endpoint_value(a.address, a.port)}}; },
            [](const KeepDestination& a) -> Value {
                return {{"keep_destination", to_string(a.family)}};
            },
            [](const KeepSource& a) -> Value { return {{"keep_source", to_string(a.family)}}; },
            [](const Accept&) -> Value { return "accept"; },
            [](const Drop&) -> Value { return "drop"; },
            [](const Return&) -> Value { return "return"; },
            [](const Jump& a) -> Value { return {{"jump", a.chain}}; },
        },
        action);
}

Tproxy read_tproxy(const Node& node) {
    const auto endpoint = read_endpoint(node);
    if (!endpoint.port) node.complain("has no field \"port\"");
    return {.address = endpoint.address, .port = endpoint.port.value_or(0)};
}

template <class Nat>
Nat read_nat(const Node& node) {
    const auto endpoint = read_endpoint(node);
    return {.address = endpoint.address, .port = endpoint.port};
}

const std::array<std::pair<std::string_view, Action>, 6> kPlainActions = {
    {{"counter", Counter{}},
     {"save_mark", SaveMark{}},
     {"restore_mark", RestoreMark{}},
     {"accept", Accept{}},
     {"drop", Drop{}},
     {"return", Return{}}}};

using ReadAction = Action (*)(const Node&);
constexpr std::array<std::pair<const char*, ReadAction>, 10> kActions = {{
    {"log", [](const Node& n) -> Action { return Log{read_text(n)}; }},
    {"set_mark", [](const Node& n) -> Action { return SetMark{read_mark(n)}; }},
    {"set_ct_mark", [](const Node& n) -> Action { return SetCtMark{read_mark(n)}; }},
    {"tproxy", [](const Node& n) -> Action { return read_tproxy(n); }},
    {"redirect", [](const Node& n) -> Action { return Redirect{read_as<std::uint16_t>(n)}; }},
    {"dnat", [](const Node& n) -> Action { return read_nat<Dnat>(n); }},
    {"snat", [](const Node& n) -> Action { return read_nat<Snat>(n); }},
    {"keep_destination", [](const Node& n) -> Action { return KeepDestination{read_family(n)}; }},
    {"keep_source", [](const Node& n) -> Action { return KeepSource{read_family(n)}; }},
    {"jump", [](const Node& n) -> Action { return Jump{read_text(n)}; }},
}};

Action read_plain_action(const Node& node) {
    const auto text = read_text(node);
    const auto* action =
        std::ranges::find(kPlainActions, text, [](const auto& a) { return a.first; });
    if (action != kPlainActions.end()) return action->second;
    node.complain("\"" + text + "\" is not an action that is known here");
    return {};
}

Action read_action(const Node& node) {
    if (node.value.is_string()) return read_plain_action(node);
    Action action;
    ObjectReader fields(node);
    const auto* kind =
        std::ranges::find_if(kActions, [&](const auto& k) { return fields.has(k.first); });
    if (kind == kActions.end()) {
        node.complain("is not an action that is known here");
        return action;
    }
    fields.required(kind->first, [&](const Node& n) { action = kind->second(n); });
    return action;
}

}  // namespace

Value to_json(const FilterRule& rule) {
    auto matches = Value::array();
    for (const auto& match : rule.matches) {
        matches.push_back(match_value(match));
        if (negated(match)) matches.back()["not"] = true;
    }
    auto actions = Value::array();
    for (const auto& action : rule.actions)
        actions.push_back(action_value(action));
    Value value = {{"match", std::move(matches)}, {"do", std::move(actions)}};
    if (rule.beyond_model) value["beyond_model"] = true;
    return value;
}

FilterRule read_rule(const Node& node) {
    FilterRule rule;
    ObjectReader fields(node);
    fields.optional("match", [&](const Node& list) {
        read_list(list, [&](const Node& n) { rule.matches.push_back(read_match(n)); });
    });
    fields.optional("do", [&](const Node& list) {
        read_list(list, [&](const Node& n) { rule.actions.push_back(read_action(n)); });
    });
    fields.optional("beyond_model", [&](const Node& n) { rule.beyond_model = read_bool(n); });
    return rule;
}

}  // namespace ambient::json
