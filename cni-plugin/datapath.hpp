// What this plugin looks at and changes in kernels.
#pragma once

#include <vector>

#include "cni-plugin/pod_netns.hpp"
#include "common/cni/config.hpp"
#include "common/kernel/linux_kernel.hpp"
#include "common/kernel/parts.hpp"

namespace ambient::plugin {

// The kernel of the namespace that the runtime called us in: the node's.
Result<LinuxKernel> node_kernel();

// Everything that DEL and GC may have to look at.
model::Scope whole_scope(const cni::DatapathNames& names);

// Only these addresses' part of it.
model::Scope pods_scope(const cni::DatapathNames& names, const std::vector<IpAddress>& addresses);

// The kernels of an answer's parts: the node's, and that of the pod that we were called for.
OpenKernel kernels_of(const Namespaces& namespaces);

}  // namespace ambient::plugin
