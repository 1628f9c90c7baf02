// What a pod's annotations become, before it starts: for --dry-run. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "node-agent/pods/pod_table.hpp"

namespace ambient::agent {

// "NAMESPACE/NAME"
Result<PodId> pod_id(const std::string& text);

// Its parameters, as comments, and the lines that its ADD equals; of a pod that gets no rules, why.
// Error invalid_input: the one sentence with which its ADD would fail.
Result<std::string> preview(const PodTable& pods, const desired::Policy& policy,
                            std::uint8_t protocol, const PodId& id);

}  // namespace ambient::agent
