// The difference of two states as a plan. Pure.
#pragma once

#include "common/base/error.hpp"
#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"
#include "common/plan/plan.hpp"

namespace ambient::plan {

// The steps that turn `found` into `wanted`, both of `scope`. Empty when found already satisfies
// wanted: an absent optional in a wanted object (a link's mac or mtu) is satisfied by anything.
//
// Order: traffic is captured only into a path that is ready, and capture is removed first:
//   1 delete rules, from the last priority     5 sysctls
//   2 delete routes                            6 packet filter, one transaction
//   3 create, change, replace links            7 put routes, those without gateway first
//   4 delete and add addresses                 8 add rules, from the first priority
//                                              9 delete links
// Rules come last because our routes are inert until a rule leads to their table; the filter stands
// before the routes so that a pod is never captured without the rules that let the node's own
// probes through.
//
// Error conflict, naming every one, when something foreign stands on a key that is wanted.
Result<Plan> diff(const model::NetnsState& wanted, const model::NetnsState& found,
                  const model::Scope& scope);

}  // namespace ambient::plan
