// The actions of a packet-filter rule: "drop", {"set_mark": "0x200/0x200"}.
#include <algorithm>
#include <array>
#include <string_view>

#include "common/base/overloaded.hpp"
#include "common/json/codec.hpp"

namespace ambient::json {
namespace {

using namespace model;

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

const std::array<std::pair<std::string_view, Action>, 7> kPlainActions = {
    {{"counter", Counter{}},
     {"save_mark", SaveMark{}},
     {"restore_mark", RestoreMark{}},
     {"accept", Accept{}},
     {"drop", Drop{}},
     {"reset", Reset{}},
     {"return", Return{}}}};

using ReadAction = Action (*)(const Node&);
constexpr std::array<std::pair<const char*, ReadAction>, 12> kActions = {{
    {"log", [](const Node& n) -> Action { return Log{read_text(n)}; }},
    {"set_mark", [](const Node& n) -> Action { return SetMark{read_mark(n)}; }},
    {"set_ct_mark", [](const Node& n) -> Action { return SetCtMark{read_mark(n)}; }},
    {"set_ct_zone", [](const Node& n) -> Action { return SetCtZone{read_as<std::uint16_t>(n)}; }},
    {"tproxy", [](const Node& n) -> Action { return read_tproxy(n); }},
    {"redirect", [](const Node& n) -> Action { return Redirect{read_as<std::uint16_t>(n)}; }},
    {"dnat", [](const Node& n) -> Action { return read_nat<Dnat>(n); }},
    {"snat", [](const Node& n) -> Action { return read_nat<Snat>(n); }},
    {"keep_destination", [](const Node& n) -> Action { return KeepDestination{read_family(n)}; }},
    {"keep_source", [](const Node& n) -> Action { return KeepSource{read_family(n)}; }},
    {"source_from_destination",
     [](const Node& n) -> Action { return SourceFromDestination{read_family(n)}; }},
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

}  // namespace

Value to_json(const Action& action) {
    return std::visit(
        Overloaded{
            [](const Counter&) -> Value { return "counter"; },
            [](const Log& a) -> Value { return {{"log", a.prefix}}; },
            [](const SetMark& a) -> Value { return {{"set_mark", to_string(a.mark)}}; },
            [](const SetCtMark& a) -> Value { return {{"set_ct_mark", to_string(a.mark)}}; },
            [](const SaveMark&) -> Value { return "save_mark"; },
            [](const RestoreMark&) -> Value { return "restore_mark"; },
            [](const SetCtZone& a) -> Value { return {{"set_ct_zone", a.zone}}; },
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
            [](const SourceFromDestination& a) -> Value {
                return {{"source_from_destination", to_string(a.family)}};
            },
            [](const Accept&) -> Value { return "accept"; },
            [](const Drop&) -> Value { return "drop"; },
            [](const Reset&) -> Value { return "reset"; },
            [](const Return&) -> Value { return "return"; },
            [](const Jump& a) -> Value { return {{"jump", a.chain}}; },
        },
        action);
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

}  // namespace ambient::json
