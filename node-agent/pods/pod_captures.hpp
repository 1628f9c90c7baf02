// Which pods are captured, for whoever reports it. Plain values.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "node-agent/pods/pod_table.hpp"

namespace ambient::agent {

// Of a pod that has an address which is to be captured.
struct PodCapture {
    bool captured = false;      // all its addresses are, verified in the kernel
    std::string obstacle = {};  // why not; empty while that is not known
    bool is_nodes = false;      // the obstacle: it hinders all pods of the node alike
    bool by_sidecar = false;    // it is the pod's own sidecar that is to get its traffic
    bool is_bare = false;       // and its network namespace has none of the rules for that

    bool operator==(const PodCapture&) const = default;
};

// A pod at this moment.
struct PodView {
    const kube::Pod* shown = nullptr;  // by the source; null: it is gone
    std::optional<PodCapture> capture = std::nullopt;
};

// Pods of which a view may have changed.
struct ChangedPods {
    bool all = false;
    std::set<PodId> pods = {};
};

}  // namespace ambient::agent
