// Values under /proc/sys/net of a network namespace.
#pragma once

#include <string>
#include <vector>

#include "common/model/sysctl.hpp"
#include "common/netns/netns.hpp"

namespace ambient {

// Those of `paths` that exist, in that order.
Result<std::vector<model::Sysctl>> read_sysctls(const Netns& netns,
                                                const std::vector<std::string>& paths);

// Error not_found when the path does not exist: its device is gone.
Result<void> write_sysctl(const Netns& netns, const model::Sysctl& sysctl);

}  // namespace ambient
