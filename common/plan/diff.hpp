// The difference of two states as a plan. Pure.
#pragma once

#include <vector>

#include "common/base/error.hpp"
#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"
#include "common/plan/conflict.hpp"
#include "common/plan/plan.hpp"

namespace ambient::plan {

// The steps that turn `found` into `wanted`, both of `scope`. Empty when found already satisfies
// wanted: an absent optional in a wanted object (a link's mac or mtu) is satisfied by anything.
//
// Order: the packet filter is the switch. Our rules match nothing but marks that it sets
// (CONTRACT U17), so all that it leads to stands before it, and goes after it:
//   1 create, change, replace links            6 packet filter, one transaction
//   2 delete and add addresses                 7 change routes
//   3 sysctls                                  8 delete rules, from the last priority
//   4 add routes: unreachable ones first, then 9 delete routes
//     those without gateway                    10 delete links
//   5 add rules, from the first priority
// Nothing that carries packets is taken away before what follows it stands (CONTRACT U15): a rule
// that replaces another is added first. A link that must be made anew is the exception, since
// its name is its identity; meanwhile the unreachable routes and the filter stop what would use it.
// Routes change after the filter: it must know another ztunnel before anything is led there.
//
// Foreign objects on wanted keys are conflicts; the plan is for the rest. What would rest on a
// conflict is left out with it: everything, when it is a link under one of our names; a pod that is
// not captured yet, when it is that pod's host route. A rule at one of our priorities hinders none
// of ours. Error not_found when what others set up before is not there.
struct Difference {
    Plan plan;
    std::vector<Conflict> conflicts;
};
Result<Difference> diff(const model::NetnsState& wanted, const model::NetnsState& found,
                        const model::Scope& scope);

// For those to whom any conflict is a failure: the plan, or the conflicts as an error.
Result<Plan> diff_without_conflict(const model::NetnsState& wanted, const model::NetnsState& found,
                                   const model::Scope& scope);

}  // namespace ambient::plan
