// What the plugin must know of the agent's configuration, as its entry in the chain.
#pragma once

#include <string>

#include "common/config/agent_config.hpp"

namespace ambient::agent {

// A JSON object. The plugin's defaults are left out where the agent agrees with them.
std::string plugin_entry(const config::AgentConfig& config);

}  // namespace ambient::agent
