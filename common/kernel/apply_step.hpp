// One step of a plan that is no packet-filter step, done to the kernel.
#pragma once

#include <filesystem>

#include "common/kernel/observe.hpp"
#include "common/netns/netns.hpp"
#include "common/plan/plan.hpp"

namespace ambient {

// Deleting what is gone already is success.
Result<void> apply_step(RouteContext& context, const Netns& netns,
                        const std::filesystem::path& sysctl_dir, const plan::Step& step);

}  // namespace ambient
