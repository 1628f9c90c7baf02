// The agent's configuration from YAML. Strict: what is not understood is refused, with its place.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/error.hpp"
#include "common/config/agent_config.hpp"

namespace ambient::config {

// Fields that are absent keep their defaults. `file` is for messages only: "file:line:column: what
// is wrong and what to do". Every error is of kind invalid_input.
Result<AgentConfig> parse(const std::string& yaml, const std::string& file);

// The same from a file; an absent node_name is taken from the environment (NODE_NAME), else it
// is the machine's. Errors: also io.
Result<AgentConfig> load(const std::filesystem::path& path);

}  // namespace ambient::config
