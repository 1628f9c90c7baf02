// What foreign objects stand in the way of. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "common/net/ip_address.hpp"
#include "common/plan/conflict.hpp"

namespace ambient::agent {

struct Conflicts {
    // A pod's host route: only this pod's trouble. By its address.
    std::map<IpAddress, plan::Conflict> of_pods = {};
    // A policy rule at one of our priorities: ours stand beside it, and which of them the kernel
    // asks first depends on who came first. Somebody has to look; nothing waits for that.
    std::vector<plan::Conflict> beside = {};
    // A link, or a route that all pods need.
    std::vector<plan::Conflict> in_the_way = {};
};

// `is_pods`: whether a host route to the address in the inbound table would be a pod's.
Conflicts weigh(const std::vector<plan::Conflict>& conflicts, std::uint32_t inbound_table,
                const std::function<bool(const IpAddress&)>& is_pods);

}  // namespace ambient::agent
