// The routes to a few destinations, at the cost of those and not of the tables' size.
//
// rtnetlink has no "get this route of this table": a dump filters by table and not by destination,
// and RTM_GETROUTE walks the policy rules as a packet would. So we ask with RTM_F_FIB_MATCH and the
// mark of a rule that leads to the table, which
// answers with the stored route and its table, and check with the rules at hand that the answer
// speaks for the table in question: it is the route itself, or the table was tried before the one
// that answered. Where that cannot be shown (no rule leads to the table yet, a foreign rule stands
// before it), and for a destination that is more than one address, the whole table is read.
#pragma once

#include <vector>

#include "common/kernel/observe.hpp"

namespace ambient {

// Those of a selector with destinations; `protocol` says which routes are ours.
Result<std::vector<model::Route>> observe_selected_routes(RouteContext& context,
                                                          const model::RouteSelector& selector,
                                                          std::uint8_t protocol);

// Whether a packet of this mark that was routed by `answered` (nothing: by no table) has tried
// `table` before, in vain.
bool was_tried_before(const std::vector<model::PolicyRule>& rules, std::uint32_t mark,
                      std::uint32_t table, std::optional<std::uint32_t> answered);

}  // namespace ambient
