#include "common/json/state_json.hpp"

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "common/json/codec.hpp"

namespace ambient::json {
namespace {

using json::to_json;
Value to_json(const std::string& text) { return text; }
Value to_json(std::uint32_t number) { return number; }

// Empty lists are left out: a reply about a pod that is not enrolled stays small.
template <class T>
void add_list(Value& value, const char* name, const std::vector<T>& objects) {
    for (const auto& object : objects)
        value[name].push_back(to_json(object));
}

template <class T, class Read>
void read_objects(ObjectReader& fields, const std::string& name, std::vector<T>& objects,
                  Read read) {
    fields.optional(name, [&](const Node& list) {
        read_list(list, [&](const Node& node) { objects.push_back(read(node)); });
    });
}

// model::NetnsState holds a key once.
template <class T>
void require_unique(const std::vector<T>& objects, std::string_view what, Problem& problem) {
    const auto same = [](const T& a, const T& b) { return key(a) == key(b); };
    if (std::ranges::adjacent_find(objects, same) != objects.end()) {
        problem.report(std::string(what), "has the same object twice");
    }
}

void require_unique(const model::NetnsState& state, Problem& problem) {
    require_unique(state.links, "links", problem);
    require_unique(state.addresses, "addresses", problem);
    require_unique(state.routes, "routes", problem);
    require_unique(state.rules, "rules", problem);
    require_unique(state.tables, "tables", problem);
    for (const auto& table : state.tables) {
        require_unique(table.sets, "tables." + table.id.name + ".sets", problem);
        require_unique(table.chains, "tables." + table.id.name + ".chains", problem);
        for (const auto& set : table.sets)
            require_unique(set.elements, "set " + set.name, problem);
    }
}

void read_sysctls(const Node& node, std::vector<model::Sysctl>& sysctls) {
    if (!node.value.is_object()) return node.complain("must be an object");
    for (const auto& field : node.value.items()) {
        sysctls.push_back(
            {field.key(), read_text({field.value(), node.path + "." + field.key(), node.problem})});
    }
}

template <class T>
Result<T> checked(const Problem& problem, T value) {
    if (problem.error()) return std::unexpected(*problem.error());
    return value;
}

Result<Value> parse(std::string_view text) {
    auto value = Value::parse(text, nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) return std::unexpected(invalid_input("the document is not JSON"));
    return value;
}

// A device's name may hold any byte (net/core/dev.c, dev_valid_name): what is not UTF-8 is
// replaced, not thrown at us.
std::string text(const Value& value, int indent) {
    return value.dump(indent, ' ', false, Value::error_handler_t::replace);
}

}  // namespace

Value to_json(const model::NetnsState& state) {
    auto value = Value::object();
    add_list(value, "links", state.links);
    add_list(value, "addresses", state.addresses);
    add_list(value, "routes", state.routes);
    add_list(value, "rules", state.rules);
    for (const auto& sysctl : state.sysctls)
        value["sysctls"][sysctl.path] = sysctl.value;
    add_list(value, "tables", state.tables);
    return value;
}

model::NetnsState read_state(const Node& node) {
    model::NetnsState state;
    {
        ObjectReader fields(node);
        read_objects(fields, "links", state.links, read_link);
        read_objects(fields, "addresses", state.addresses, read_interface_address);
        read_objects(fields, "routes", state.routes, read_route);
        read_objects(fields, "rules", state.rules, read_policy_rule);
        read_objects(fields, "tables", state.tables, read_table);
        fields.optional("sysctls", [&](const Node& n) { read_sysctls(n, state.sysctls); });
    }
    sort(state);
    require_unique(state, node.problem);
    return state;
}

Result<model::NetnsState> state_from_json(const Value& value) {
    Problem problem;
    auto state = read_state({value, "", problem});
    return checked(problem, std::move(state));
}

Value to_json(const model::Scope& scope) {
    Value value = {{"protocol", scope.protocol}};
    if (scope.strays) value["strays"] = true;
    add_list(value, "links", scope.links);
    add_list(value, "addresses", scope.addresses);
    add_list(value, "routes", scope.routes);
    add_list(value, "rule_priorities", scope.rule_priorities);
    add_list(value, "sysctls", scope.sysctls);
    add_list(value, "filter", scope.filter);
    return value;
}

model::Scope read_scope(const Node& node) {
    model::Scope scope;
    ObjectReader fields(node);
    fields.required("protocol", [&](const Node& n) { scope.protocol = read_as<std::uint8_t>(n); });
    read_objects(fields, "links", scope.links, read_text);
    fields.optional("strays", [&](const Node& n) { scope.strays = read_bool(n); });
    read_objects(fields, "addresses", scope.addresses, read_interface_address);
    read_objects(fields, "routes", scope.routes, read_route_selector);
    read_objects(fields, "rule_priorities", scope.rule_priorities,
                 [](const Node& n) { return read_as<std::uint32_t>(n); });
    read_objects(fields, "sysctls", scope.sysctls, read_text);
    read_objects(fields, "filter", scope.filter, read_filter_selector);
    return scope;
}

Result<model::Scope> scope_from_json(const Value& value) {
    Problem problem;
    auto scope = read_scope({value, "", problem});
    return checked(problem, std::move(scope));
}

std::string dump(const model::NetnsState& state, int indent) {
    return text(to_json(state), indent);
}

std::string dump(const model::Scope& scope, int indent) { return text(to_json(scope), indent); }

Result<model::NetnsState> parse_state(std::string_view text) {
    return state_from_json(TRY(parse(text)));
}

Result<model::Scope> parse_scope(std::string_view text) {
    return scope_from_json(TRY(parse(text)));
}

}  // namespace ambient::json
