// CNI_NETNS, judged: opened once, so that everything afterwards means the same namespace.
#pragma once

#include <memory>
#include <string>

#include "common/cni/failure.hpp"
#include "common/netns/netns.hpp"

namespace ambient::plugin {

using PodNetns = std::shared_ptr<const Netns>;

// Failure invalid_environment when `path` is no network namespace, or the one that we run in: a pod
// that shares the node's network must never be captured, and no runtime attaches one.
cni::Outcome<PodNetns> open_pod_netns(const std::string& path);

}  // namespace ambient::plugin
