// Packet-filter tables, sets, chains and rules.
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "common/json/codec.hpp"

namespace ambient::json {
namespace {

using namespace model;

constexpr std::array<std::string_view, 2> kTableFamilies = {"inet", "bridge"};
constexpr std::array<std::string_view, 3> kChainTypes = {"filter", "nat", "route"};
constexpr std::array<std::string_view, 5> kHooks = {"prerouting", "input", "forward", "output",
                                                    "postrouting"};

Value to_json(const SetElement& element) {
    if (element.comment.empty()) return to_string(element.key);
    return {{"key", to_string(element.key)}, {"comment", element.comment}};
}

// "10.244.1.11", or an object when there is a comment.
SetElement read_element(const Node& node, SetType type) {
    SetElement element;
    if (!node.value.is_object()) {
        element.key = read_set_key(node, type);
        return element;
    }
    ObjectReader fields(node);
    fields.required("key", [&](const Node& n) { element.key = read_set_key(n, type); });
    fields.optional("comment", [&](const Node& n) {
        element.comment = read_text(n);
        if (element.comment.size() > kMaxComment) n.complain("is too long");
    });
    return element;
}

Value to_json(const FilterSet& set) {
    auto elements = Value::array();
    for (const auto& element : set.elements)
        elements.push_back(to_json(element));
    return {{"name", set.name}, {"type", name_of(set.type)}, {"elements", std::move(elements)}};
}

FilterSet read_set(const Node& node) {
    FilterSet set;
    ObjectReader fields(node);
    fields.required("name", [&](const Node& n) { set.name = read_text(n); });
    fields.required("type", [&](const Node& n) { set.type = read_set_type(n); });
    fields.optional("elements", [&](const Node& list) {
        read_list(list, [&](const Node& n) { set.elements.push_back(read_element(n, set.type)); });
    });
    return set;
}

Value to_json(const FilterChain& chain) {
    Value value = {{"name", chain.name}};
    if (chain.hook) {
        value["type"] = kChainTypes.at(std::to_underlying(chain.hook->type));
        value["hook"] = kHooks.at(std::to_underlying(chain.hook->hook));
        value["priority"] = chain.hook->priority;
    }
    auto& rules = value["rules"] = Value::array();
    for (const auto& rule : chain.rules)
        rules.push_back(json::to_json(rule));
    return value;
}

void read_table_id(ObjectReader& fields, TableId& id) {
    fields.required("name", [&](const Node& n) { id.name = read_text(n); });
    fields.optional("family",
                    [&](const Node& n) { id.family = read_enum<TableFamily>(n, kTableFamilies); });
}

ChainHook read_hook(ObjectReader& fields) {
    using Limits = std::numeric_limits<int>;
    ChainHook hook;
    fields.required("type",
                    [&](const Node& n) { hook.type = read_enum<ChainType>(n, kChainTypes); });
    fields.required("hook", [&](const Node& n) { hook.hook = read_enum<Hook>(n, kHooks); });
    fields.required("priority", [&](const Node& n) {
        hook.priority = static_cast<int>(read_signed(n, Limits::min(), Limits::max()));
    });
    return hook;
}

FilterChain read_chain(const Node& node) {
    FilterChain chain;
    ObjectReader fields(node);
    fields.required("name", [&](const Node& n) { chain.name = read_text(n); });
    if (fields.has("hook")) chain.hook = read_hook(fields);
    fields.optional("rules", [&](const Node& list) {
        read_list(list, [&](const Node& n) { chain.rules.push_back(read_rule(n)); });
    });
    return chain;
}

}  // namespace

Value to_json(const FilterRule& rule) {
    auto matches = Value::array();
    for (const auto& match : rule.matches)
        matches.push_back(to_json(match));
    auto actions = Value::array();
    for (const auto& action : rule.actions)
        actions.push_back(to_json(action));
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

Value to_json(const TableId& id) {
    if (id.family == TableFamily::inet) return id.name;
    return {{"name", id.name}, {"family", to_string(id.family)}};
}

// "ambient", or an object when the family is another than inet.
TableId read_table_id(const Node& node) {
    if (node.value.is_string()) return {.name = read_text(node)};
    TableId id;
    ObjectReader fields(node);
    read_table_id(fields, id);
    return id;
}

Value to_json(const FilterTable& table) {
    Value value = {{"name", table.id.name}};
    if (table.id.family != TableFamily::inet) value["family"] = to_string(table.id.family);
    auto& sets = value["sets"] = Value::array();
    for (const auto& set : table.sets)
        sets.push_back(to_json(set));
    auto& chains = value["chains"] = Value::array();
    for (const auto& chain : table.chains)
        chains.push_back(to_json(chain));
    if (table.beyond_model) value["beyond_model"] = true;
    return value;
}

FilterTable read_table(const Node& node) {
    FilterTable table;
    ObjectReader fields(node);
    read_table_id(fields, table.id);
    fields.optional("sets", [&](const Node& list) {
        read_list(list, [&](const Node& n) { table.sets.push_back(read_set(n)); });
    });
    fields.optional("chains", [&](const Node& list) {
        read_list(list, [&](const Node& n) { table.chains.push_back(read_chain(n)); });
    });
    fields.optional("beyond_model", [&](const Node& n) { table.beyond_model = read_bool(n); });
    return table;
}

}  // namespace ambient::json
