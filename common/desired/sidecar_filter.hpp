// The chains of a sidecar pod's table. Internal to common/desired.
#pragma once

#include <vector>

#include "common/desired/sidecar.hpp"

namespace ambient::desired {

// A base chain that would be empty is left out.
std::vector<model::FilterChain> sidecar_chains(const SidecarNumbers& numbers,
                                               const SidecarParameters& parameters);

}  // namespace ambient::desired
