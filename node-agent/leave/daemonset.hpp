// What the API server's answers prove about the DaemonSet that this agent belongs to: that it is
// gone, on its way out, or wants no pod on this node any more. Pure. Whatever is not exactly what
// the API server documents proves nothing: a load balancer, a proxy and a starting server answer
// 404 as well.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/kubeapi/client.hpp"

namespace ambient::agent {

// "namespace/name".
kubeapi::Request get_daemonset(const std::string& name);

struct DaemonSet {
    std::string uid;
    bool terminating = false;  // metadata.deletionTimestamp

    bool operator==(const DaemonSet&) const = default;
};

// Nothing when the answer is not this DaemonSet.
std::optional<DaemonSet> daemonset_in(const kubeapi::Response& answer, std::string_view name);

// A Status of reason NotFound that names this very DaemonSet.
bool says_gone(const kubeapi::Response& answer, std::string_view name);

// Whether the DaemonSet's node selector and required node affinity match the node, as its
// controller decides it. Nothing when it cannot be told. A node's taints are left aside: they come
// and go, and do not say that the node is to be left.
std::optional<bool> wants_node(std::string_view daemonset_json, std::string_view node_json,
                               std::string_view node_name);

}  // namespace ambient::agent
