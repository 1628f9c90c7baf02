// CNI_NETNS, judged.
#pragma once

#include <string>

#include "common/cni/failure.hpp"

namespace ambient::plugin {

// Failure invalid_environment when `path` is no network namespace, or the one that we run in: a pod
// that shares the node's network must never be captured, and no runtime attaches one.
cni::Outcome<void> require_pod_netns(const std::string& path);

}  // namespace ambient::plugin
