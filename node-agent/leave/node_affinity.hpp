// Whether a pod's spec.nodeSelector and required node affinity match a node, as
// k8s.io/component-helpers/scheduling/corev1/nodeaffinity does it (GetRequiredNodeAffinity). Pure.
#pragma once

#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace ambient::agent {

// Nothing when a part is not understood, whatever the others say.
std::optional<bool> matches_node(const nlohmann::json& pod_spec,
                                 const nlohmann::json& node_metadata);

}  // namespace ambient::agent
