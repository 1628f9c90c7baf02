// This plugin's part of the node's kernel state.
#pragma once

#include <vector>

#include "common/cni/config.hpp"
#include "common/kernel/linux_kernel.hpp"

namespace ambient::plugin {

// The kernel of the namespace that the runtime called us in: the node's.
Result<LinuxKernel> node_kernel();

// Everything that DEL and GC may have to look at.
model::Scope whole_scope(const cni::DatapathNames& names);

// Only these addresses' part of it.
model::Scope pods_scope(const cni::DatapathNames& names, std::vector<IpAddress> addresses);

// Removes the routes and the set elements of a scope of few; what is foreign stays. `tables` are
// the scope's as they stand in the kernel.
Result<void> remove_pods(Kernel& kernel, const model::Scope& scope,
                         std::vector<model::FilterTable> tables);

}  // namespace ambient::plugin
