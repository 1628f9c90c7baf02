#include "node-agent/report/status/requests.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <functional>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/desired/sidecar.hpp"

namespace ambient::agent {
namespace {

using kubeapi::Request;
using nlohmann::json;

constexpr const char* kComponent = "ambient-node-agent";
constexpr const char* kMergePatch = "application/merge-patch+json";
constexpr const char* kJsonPatch = "application/json-patch+json";

// Text from the kernel or a file may be anything; JSON is UTF-8.
std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Not the pod itself: whoever may patch that may change the images of every pod in the cluster. By
// its status subresource the API server takes status and metadata only (podStatusStrategy in
// pkg/registry/core/pod/strategy.go).
std::string path_of(const PodId& pod) {
    return fmt::format("/api/v1/namespaces/{}/pods/{}/status", pod.space, pod.name);
}

Request patch(std::string path, const char* content_type, const json& body) {
    return {.method = "PATCH",
            .path = std::move(path),
            .content_type = content_type,
            .body = dump(body)};
}

// As a part of a JSON Pointer (RFC 6901, 3).
std::string escaped(std::string_view text) {
    std::string part;
    for (const char c : text) {
        if (c == '~') {
            part += "~0";
        } else if (c == '/') {
            part += "~1";
        } else {
            part += c;
        }
    }
    return part;
}

json test(std::string path, std::string_view value) {
    return {{"op", "test"}, {"path", std::move(path)}, {"value", value}};
}

json remove(std::string path) { return {{"op", "remove"}, {"path", std::move(path)}}; }

// FNV-1a: the same in every run and build, as std::hash need not be.
std::uint64_t fingerprint(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

// A DNS subdomain name, at most 253 characters (API: Object Names), as a pod's or node's name is.
std::string event_name(const std::string& name, const std::string& uid, std::string_view why) {
    auto start = name.substr(0, 253 - 17);
    start.erase(start.find_last_not_of(".-") + 1);
    return fmt::format("{}.{:016x}", start, fingerprint(fmt::format("{}\n{}", uid, why)));
}

// `kubectl describe` looks for a pod's Events by its uid. Those of a node, which is in no
// namespace, are in `default` (legacyValidateEvent in pkg/apis/core/validation/events.go) and have
// its name for a uid, as the kubelet's have (pkg/kubelet/kubelet.go, nodeRef).
json involved(const std::optional<PodRef>& pod, const std::string& node) {
    if (!pod) return {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}, {"uid", node}};
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"namespace", pod->id.space},
            {"name", pod->id.name},
            {"uid", pod->uid}};
}

}  // namespace

PodRef ref_of(const kube::Pod& pod) { return {.id = id_of(pod), .uid = pod.uid}; }

Request set_annotation(const PodRef& pod, const std::string& resource_version,
                       const std::string& annotation) {
    return patch(path_of(pod.id), kMergePatch,
                 {{"metadata",
                   {{"uid", pod.uid},
                    {"resourceVersion", resource_version},
                    {"annotations", {{annotation, kRedirectionEnabled}}}}}});
}

Request clear_annotation(const PodRef& pod, const std::string& annotation) {
    const auto path = "/metadata/annotations/" + escaped(annotation);
    return patch(path_of(pod.id), kJsonPatch,
                 json::array({test("/metadata/uid", pod.uid), test(path, kRedirectionEnabled),
                              remove(path)}));
}

Request label_uninitialized(const PodRef& pod, const std::string& resource_version) {
    return patch(path_of(pod.id), kMergePatch,
                 {{"metadata",
                   {{"uid", pod.uid},
                    {"resourceVersion", resource_version},
                    {"labels", {{desired::kUninitialized, "true"}}}}}});
}

Request delete_pod(const PodRef& pod, const std::string& resource_version) {
    const json options = {
        {"apiVersion", "v1"},
        {"kind", "DeleteOptions"},
        {"preconditions", {{"uid", pod.uid}, {"resourceVersion", resource_version}}}};
    return {.method = "DELETE",
            .path = fmt::format("/api/v1/namespaces/{}/pods/{}", pod.id.space, pod.id.name),
            .content_type = "application/json",
            .body = dump(options)};
}

Request not_captured_event(const std::optional<PodRef>& pod, std::string_view why,
                           const std::string& node, std::chrono::system_clock::time_point now,
                           Missed missed) {
    const bool by_sidecar = missed == Missed::sidecar;
    const auto time = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                  fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
    const auto about = involved(pod, node);
    const auto space = pod ? pod->id.space : std::string("default");
    const json event = {
        {"apiVersion", "v1"},
        {"kind", "Event"},
        {"metadata",
         {{"name", event_name(about["name"], about["uid"], why)}, {"namespace", space}}},
        {"involvedObject", about},
        {"type", "Warning"},
        {"reason", by_sidecar ? "NotRedirected" : "NotCaptured"},
        {"message", fmt::format("{}: {}",
                                by_sidecar ? "Not redirected to its sidecar"
                                : pod      ? "Not captured by the ambient mesh"
                                           : "Pods are not captured by the ambient mesh",
                                why.substr(0, 900))},
        {"source", {{"component", kComponent}, {"host", node}}},
        {"reportingComponent", kComponent},
        {"firstTimestamp", time},
        {"lastTimestamp", time},
        {"count", 1}};
    return {.method = "POST",
            .path = fmt::format("/api/v1/namespaces/{}/events", space),
            .content_type = "application/json",
            .body = dump(event)};
}

Request get_node(const std::string& node) { return {.path = "/api/v1/nodes/" + node}; }

std::optional<std::vector<std::size_t>> taints_in(const std::string& node_json,
                                                  const std::string& key) {
    const auto node = json::parse(node_json, nullptr, false);
    const auto spec = node.is_object() ? node.find("spec") : node.end();
    if (spec == node.end() || !spec->is_object()) return std::nullopt;
    std::vector<std::size_t> places;
    const auto taints = spec->find("taints");
    if (taints == spec->end() || !taints->is_array()) return places;
    for (std::size_t i = 0; i < taints->size(); ++i) {
        const auto& taint = (*taints)[i];
        if (taint.is_object() && taint.contains("key") && taint["key"] == key) places.push_back(i);
    }
    return places;
}

Request remove_taints(const std::string& node, const std::string& key,
                      std::vector<std::size_t> places) {
    // The last one first: those before it keep their places.
    std::ranges::sort(places, std::ranges::greater{});
    json steps = json::array();
    for (const auto place : places) {
        const auto path = fmt::format("/spec/taints/{}", place);
        steps.push_back(test(path + "/key", key));
        steps.push_back(remove(path));
    }
    return patch("/api/v1/nodes/" + node, kJsonPatch, steps);
}

}  // namespace ambient::agent
