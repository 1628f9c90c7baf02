// CNI_NETNS, judged, beside the node's own: each opened once, so that everything afterwards means
// the same namespaces.
#pragma once

#include <memory>
#include <string>

#include "common/cni/failure.hpp"
#include "common/netns/netns.hpp"

namespace ambient::plugin {

using PodNetns = std::shared_ptr<const Netns>;

struct Namespaces {
    Netns node;
    PodNetns pod;
};

// Failure invalid_environment when `path` is no network namespace, or the one that we run in: a pod
// that shares the node's network must never be captured, and no runtime attaches one.
cni::Outcome<Namespaces> open_namespaces(const std::string& path);

}  // namespace ambient::plugin
