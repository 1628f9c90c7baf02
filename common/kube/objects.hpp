// The few fields of Kubernetes objects that matter here, as values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/net/ip_address.hpp"

namespace ambient::kube {

using Labels = std::map<std::string, std::string>;

struct Namespace {
    std::string name = {};
    Labels labels = {};
    Labels annotations = {};

    bool operator==(const Namespace&) const = default;
};

// The container istio-proxy, among the containers or, as a native sidecar, the init containers.
struct ProxyContainer {
    std::vector<std::string> args = {};                 // the first two
    Labels env = {};                                    // name -> literal value
    std::optional<std::uint32_t> user = std::nullopt;   // securityContext.runAsUser
    std::optional<std::uint32_t> group = std::nullopt;  // securityContext.runAsGroup

    bool operator==(const ProxyContainer&) const = default;
};

struct Pod {
    std::string namespace_name = {};
    std::string name = {};
    std::string uid = {};
    // Of a mirror pod, which stands in the API for a static one: the uid by which its kubelet and
    // the container runtime know it. Annotation kubernetes.io/config.hash (kubelet,
    // pkg/kubelet/config/common.go, applyDefaults).
    std::string static_uid = {};
    std::string resource_version = {};  // empty in files
    Labels labels = {};
    Labels annotations = {};
    std::string node_name = {};        // spec.nodeName
    std::string service_account = {};  // spec.serviceAccountName
    bool host_network = false;
    std::string phase = {};    // status.phase: "Pending", "Running", "Succeeded", "Failed"
    bool ready = false;        // status condition Ready
    bool terminating = false;  // metadata.deletionTimestamp is set
    std::string ready_since =
        {};  // lastTransitionTime of that condition, RFC 3339 UTC: compares as text
    std::vector<IpAddress> addresses = {};  // status.podIPs, else status.podIP
    Labels env = {};                        // name -> value of the containers' literal environment
    std::optional<ProxyContainer> proxy = std::nullopt;  // none: the pod has no such container
    bool has_istio_init = false;  // a container istio-init makes the pod's rules
    std::string netns_path = {};  // annotation ambient-cni.dev/netns, in files only: where the
                                  // pod's network namespace is; may be empty

    bool operator==(const Pod&) const = default;
};

// What the runtime is told.
inline const std::string& runtime_uid(const Pod& pod) {
    return pod.static_uid.empty() ? pod.uid : pod.static_uid;
}

// Whether `uid` is one that this pod goes by; an unknown one may be.
inline bool may_have_uid(const Pod& pod, const std::string& uid) {
    return uid.empty() || pod.uid.empty() || uid == pod.uid || uid == pod.static_uid;
}

// Everything a source knows, at one moment.
struct Objects {
    std::vector<Namespace> namespaces;
    std::vector<Pod> pods;

    bool operator==(const Objects&) const = default;
};

}  // namespace ambient::kube
