#include "node-agent/leave/node_affinity.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/base/parse.hpp"

namespace ambient::agent {
namespace {

using nlohmann::json;
using Words = std::map<std::string, std::string>;

struct NotUnderstood : std::exception {};

// The field, or an empty value of its type; throws when it is of another one.
template <class T>
T get(const json& object, const char* name) {
    if (!object.is_object() && !object.is_null()) throw NotUnderstood();
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? T() : found->template get<T>();
}

// As numbers (labels.Requirement.Matches): a label that is none matches nothing.
bool compares(const std::string& label, const std::vector<std::string>& values, bool greater) {
    const auto right =
        values.size() == 1 ? parse_integer<std::int64_t>(values.front()) : std::nullopt;
    if (!right) throw NotUnderstood();
    const auto left = parse_integer<std::int64_t>(label);
    return left && (greater ? *left > *right : *left < *right);
}

bool meets(const json& requirement, const Words& words) {
    const auto op = requirement.at("operator").get<std::string>();
    const auto found = words.find(requirement.at("key").get<std::string>());
    const bool is_there = found != words.end();
    const auto values = get<std::vector<std::string>>(requirement, "values");
    const bool is_named = is_there && std::ranges::find(values, found->second) != values.end();
    if (op == "In") return is_named;
    if (op == "NotIn") return !is_named;
    if (op == "Exists") return is_there;
    if (op == "DoesNotExist") return !is_there;
    if (op == "Gt" || op == "Lt") return is_there && compares(found->second, values, op == "Gt");
    throw NotUnderstood();
}

// A term without requirements matches nothing (API: NodeSelectorTerm). Every requirement is looked
// at, so that one that is not understood is never passed over.
bool meets_term(const json& term, const Words& labels, const Words& fields) {
    const auto expressions = get<std::vector<json>>(term, "matchExpressions");
    const auto of_fields = get<std::vector<json>>(term, "matchFields");
    bool all = !expressions.empty() || !of_fields.empty();
    for (const auto& requirement : expressions)
        all &= meets(requirement, labels);
    for (const auto& requirement : of_fields) {
        if (!fields.contains(requirement.at("key").get<std::string>())) throw NotUnderstood();
        all &= meets(requirement, fields);
    }
    return all;
}

bool matches(const json& pod_spec, const json& node_metadata) {
    const auto labels = get<Words>(node_metadata, "labels");
    const Words fields = {{"metadata.name", node_metadata.at("name").get<std::string>()}};
    bool selected = true;
    for (const auto& [key, value] : get<Words>(pod_spec, "nodeSelector")) {
        const auto found = labels.find(key);
        selected &= found != labels.end() && found->second == value;
    }
    const auto affinity = get<json>(get<json>(pod_spec, "affinity"), "nodeAffinity");
    const auto required = get<json>(affinity, "requiredDuringSchedulingIgnoredDuringExecution");
    if (required.is_null()) return selected;
    bool any = false;
    for (const auto& term : get<std::vector<json>>(required, "nodeSelectorTerms"))
        any |= meets_term(term, labels, fields);
    return selected && any;
}

}  // namespace

std::optional<bool> matches_node(const json& pod_spec, const json& node_metadata) {
    if (!pod_spec.is_object() || !node_metadata.is_object()) return std::nullopt;
    try {
        return matches(pod_spec, node_metadata);
    } catch (const json::exception&) {
        return std::nullopt;
    } catch (const NotUnderstood&) {
        return std::nullopt;
    }
}

}  // namespace ambient::agent
