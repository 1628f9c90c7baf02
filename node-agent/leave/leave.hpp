// The end of what is installed on this node: the node is uninstalled, then its pods' annotations
// say so where there is an API server.
#pragma once

#include "common/base/error.hpp"
#include "common/config/agent_config.hpp"
#include "node-agent/pods/pod_table.hpp"
#include "node-agent/report/status/budget.hpp"

namespace ambient::agent {

// As a command: the pods are those that the source tells within 5 s. Errors: as uninstall().
Result<void> leave(const config::AgentConfig& config);
// At the agent's own end, with the pods that it knew and what it may still write.
Result<void> leave(const config::AgentConfig& config, const PodTable& known, Budget& writes);

}  // namespace ambient::agent
