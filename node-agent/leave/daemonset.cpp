#include "node-agent/leave/daemonset.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "node-agent/leave/node_affinity.hpp"

namespace ambient::agent {
namespace {

using nlohmann::json;

std::string_view space_of(std::string_view name) { return name.substr(0, name.find('/')); }
std::string_view name_of(std::string_view name) { return name.substr(name.find('/') + 1); }

json parse(std::string_view text) { return json::parse(text, nullptr, false); }

// The field, or null: also of what is no object.
const json& field(const json& object, const char* name) {
    static const json kNull;
    const auto found = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && found != object.end() ? *found : kNull;
}

}  // namespace

kubeapi::Request get_daemonset(const std::string& name) {
    return {.path = fmt::format("/apis/apps/v1/namespaces/{}/daemonsets/{}", space_of(name),
                                name_of(name))};
}

std::optional<DaemonSet> daemonset_in(const kubeapi::Response& answer, std::string_view name) {
    const auto object = answer.status == 200 ? parse(answer.body) : json();
    const auto& metadata = field(object, "metadata");
    const auto& uid = field(metadata, "uid");
    if (field(object, "kind") != "DaemonSet" || field(metadata, "namespace") != space_of(name) ||
        field(metadata, "name") != name_of(name) || !uid.is_string())
        return std::nullopt;
    return DaemonSet{.uid = uid.get<std::string>(),
                     .terminating = !field(metadata, "deletionTimestamp").is_null()};
}

// NewNotFound in k8s.io/apimachinery/pkg/api/errors. A server that does not know the resource (yet)
// says NotFound, too, without these details.
bool says_gone(const kubeapi::Response& answer, std::string_view name) {
    const auto status = answer.status == 404 ? parse(answer.body) : json();
    const auto& details = field(status, "details");
    return field(status, "kind") == "Status" && field(status, "reason") == "NotFound" &&
           field(details, "kind") == "daemonsets" && field(details, "name") == name_of(name);
}

std::optional<bool> wants_node(std::string_view daemonset_json, std::string_view node_json,
                               std::string_view node_name) {
    const auto node = parse(node_json);
    const auto& metadata = field(node, "metadata");
    if (field(node, "kind") != "Node" || field(metadata, "name") != node_name) return std::nullopt;
    const auto daemonset = parse(daemonset_json);
    return matches_node(field(field(field(daemonset, "spec"), "template"), "spec"), metadata);
}

}  // namespace ambient::agent
