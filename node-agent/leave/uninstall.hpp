// Leaving a node: the opposite of Keeper.
#pragma once

#include <vector>

#include "common/base/error.hpp"
#include "common/config/agent_config.hpp"
#include "common/kube/objects.hpp"

namespace ambient::agent {

// Removes our entry from the node's network configuration, the plugin's program, and then what is
// ours from the network namespace that the calling thread is in and from every ztunnel namespace
// that can be found: by the ztunnel pods that are `known`, and by where the node's own tunnels
// lead. Sysctls get back what they held before us. Removing what is gone already is success.
// Errors: conflict when an agent is still running here.
Result<void> uninstall(const config::AgentConfig& config, const std::vector<kube::Pod>& known);

}  // namespace ambient::agent
