// Values under /proc/sys/net of a network namespace. `sysctl_dir` is where /proc/sys stands: its
// files serve the namespace of the thread that opens them, wherever they are mounted.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/model/sysctl.hpp"
#include "common/netns/netns.hpp"

namespace ambient {

// Those of `paths` that exist, in that order.
Result<std::vector<model::Sysctl>> read_sysctls(const Netns& netns,
                                                const std::filesystem::path& sysctl_dir,
                                                const std::vector<std::string>& paths);

// Error not_found when the path does not exist: its device is gone.
Result<void> write_sysctl(const Netns& netns, const std::filesystem::path& sysctl_dir,
                          const model::Sysctl& sysctl);

}  // namespace ambient
