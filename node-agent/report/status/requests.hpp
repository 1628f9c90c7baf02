// The requests that write to the API server, complete. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/kubeapi/client.hpp"
#include "node-agent/pods/pod_table.hpp"

namespace ambient::agent {

inline constexpr std::string_view kRedirectionEnabled = "enabled";

// A pod as it was seen: another one of the same name is not meant.
struct PodRef {
    PodId id;
    std::string uid;

    auto operator<=>(const PodRef&) const = default;
};

PodRef ref_of(const kube::Pod& pod);

// Sets the annotation to "enabled", by the pod's status subresource as all that is written to pods.
// A merge patch with uid and resourceVersion is refused (409) for another pod of this name, and for
// one that somebody has changed since we saw it: "disabled" may stand there by now.
kubeapi::Request set_annotation(const PodRef& pod, const std::string& resource_version,
                                const std::string& annotation);
// Removes it when it is "enabled", else is refused: another value is somebody else's.
kubeapi::Request clear_annotation(const PodRef& pod, const std::string& annotation);

// Sets the label of pods that started without their sidecar's rules, on the pod as it was seen.
kubeapi::Request label_uninitialized(const PodRef& pod, const std::string& resource_version);
// Deletes the pod if it still is as it was seen.
kubeapi::Request delete_pod(const PodRef& pod, const std::string& resource_version);

// What a pod is without.
enum class Missed : std::uint8_t { capture, sidecar };

// An Event that says why the pod, or with none every pod of the node that is not yet, is not
// captured, or its traffic not led to its sidecar. The same words about the same one are the same
// Event, also from an agent that was restarted: the server then answers 409.
kubeapi::Request not_captured_event(const std::optional<PodRef>& pod, std::string_view why,
                                    const std::string& node,
                                    std::chrono::system_clock::time_point now,
                                    Missed missed = Missed::capture);

kubeapi::Request get_node(const std::string& node);
// The places of the taints with this key in the answer's object; nothing when it is no node.
std::optional<std::vector<std::size_t>> taints_in(const std::string& node_json,
                                                  const std::string& key);
// Refused when the taints are not at these places any more.
kubeapi::Request remove_taints(const std::string& node, const std::string& key,
                               std::vector<std::size_t> places);

}  // namespace ambient::agent
