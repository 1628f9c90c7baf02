// What a scope selects.
#include "common/json/codec.hpp"

namespace ambient::json {

using namespace model;

Value to_json(const RouteSelector& selector) {
    if (!selector.destinations) return selector.table;
    auto destinations = Value::array();
    for (const auto& destination : *selector.destinations)
        destinations.push_back(to_string(destination));
    return {{"table", selector.table}, {"to", std::move(destinations)}};
}

// 100, or an object when only some of the table's routes are meant.
RouteSelector read_route_selector(const Node& node) {
    RouteSelector selector;
    if (!node.value.is_object()) {
        selector.table = read_as<std::uint32_t>(node);
        return selector;
    }
    ObjectReader fields(node);
    fields.required("table", [&](const Node& n) { selector.table = read_as<std::uint32_t>(n); });
    fields.required("to", [&](const Node& list) {
        auto& destinations = selector.destinations.emplace();
        read_list(list, [&](const Node& n) { destinations.push_back(read_prefix(n)); });
    });
    return selector;
}

Value to_json(const FilterSelector& selector) {
    auto id = to_json(selector.table);
    if (selector.chains) return id;
    Value value = {{"table", std::move(id)}};
    if (!selector.keys) return value;
    auto& keys = value["keys"] = Value::array();
    for (const auto& key : *selector.keys)
        keys.push_back(to_json(key));
    return value;
}

// A table's name or names when it is meant as a whole, or an object with them when it is the
// elements of its sets.
FilterSelector read_filter_selector(const Node& node) {
    FilterSelector selector;
    if (!node.value.is_object() || !node.value.contains("table")) {
        selector.table = read_table_id(node);
        return selector;
    }
    selector.chains = false;
    ObjectReader fields(node);
    fields.required("table", [&](const Node& n) { selector.table = read_table_id(n); });
    fields.optional("keys", [&](const Node& list) {
        auto& keys = selector.keys.emplace();
        read_list(list, [&](const Node& n) { keys.push_back(read_set_key(n)); });
    });
    return selector;
}

}  // namespace ambient::json
