// The packet filter of the node namespace.
#pragma once

#include <vector>

#include "common/desired/state.hpp"

namespace ambient::desired {

// The table's chains; rules only for `families`. The sets are not part of it.
std::vector<model::FilterChain> node_chains(const Datapath& datapath, const NodeFacts& facts,
                                            const std::vector<Family>& families);

// The name of the set that holds the enrolled addresses of a family.
const std::string& pods_set(const Filter& filter, Family family);
// Of those of them that do not wait while there is no ztunnel.
std::string choice_set(const Filter& filter, Family family, WithoutZtunnel choice);

}  // namespace ambient::desired
