// What a state takes for granted: links outside its scope that its routes lead to, and local
// addresses that its routes use as source. A test makes them first.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"

namespace ambient::fake {

struct Surroundings {
    std::set<std::string> links;    // exist, and are up
    std::set<IpAddress> addresses;  // are local
    std::set<std::string> sysctls;  // exist, outside the scope's links

    void add(const model::NetnsState& state, const model::Scope& scope);
};

}  // namespace ambient::fake
