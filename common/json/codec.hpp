// The decoders of the object kinds, and values that several of them share. Internal to common/json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/json/reader.hpp"
#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"

namespace ambient::json {

IpAddress read_address(const Node& node);
Prefix read_prefix(const Node& node);
Mark read_mark(const Node& node);
Family read_family(const Node& node);

Value to_json(const model::Link& link);
Value to_json(const model::InterfaceAddress& address);
Value to_json(const model::Route& route);
Value to_json(const model::PolicyRule& rule);
Value to_json(const model::TableId& id);
Value to_json(const model::RouteSelector& selector);
Value to_json(const model::FilterSelector& selector);
Value to_json(const model::SetKey& key);
std::string_view name_of(model::SetType type);
Value to_json(const model::FilterTable& table);
Value to_json(const model::FilterRule& rule);
Value to_json(const model::Match& match);
Value to_json(const model::Action& action);

model::Link read_link(const Node& node);
model::InterfaceAddress read_interface_address(const Node& node);
model::Route read_route(const Node& node);
model::PolicyRule read_policy_rule(const Node& node);
model::TableId read_table_id(const Node& node);
model::RouteSelector read_route_selector(const Node& node);
model::FilterSelector read_filter_selector(const Node& node);
model::NetnsState read_state(const Node& node);
model::Scope read_scope(const Node& node);
// Of a type that is known from elsewhere, or as to_json() says it.
model::SetKey read_set_key(const Node& node, model::SetType type);
model::SetKey read_set_key(const Node& node);
model::SetType read_set_type(const Node& node);
model::FilterTable read_table(const Node& node);
model::FilterRule read_rule(const Node& node);
model::Match read_match(const Node& node);
model::Action read_action(const Node& node);

// A name of an enumeration's values, in their order.
template <class Enum, std::size_t N>
Enum read_enum(const Node& node, const std::array<std::string_view, N>& names) {
    const auto text = read_text(node);
    for (std::size_t i = 0; i < N; ++i) {
        if (names[i] == text) return static_cast<Enum>(i);
    }
    node.complain("\"" + text + "\" is not one of its names");
    return {};
}

}  // namespace ambient::json
