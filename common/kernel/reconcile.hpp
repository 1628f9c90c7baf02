// The one way to change a kernel: observe, diff, apply, observe again; undo on failure.
#pragma once

#include <cstdint>
#include <vector>

#include "common/kernel/kernel.hpp"
#include "common/plan/conflict.hpp"

namespace ambient {

// Who sees that what was applied holds: we, by a second observation, or somebody who is told.
enum class Verified : std::uint8_t { here, elsewhere };

// Makes `scope` of the namespace equal to `wanted` and returns the plan that was applied (empty:
// nothing to do), once a second observation has verified it, if it is `here`. When a step fails,
// what was observed before is restored and the error returned; if even that fails the error says
// so. When all steps took effect and only the look at them fails, they stay. Errors: conflict
// before any write; interrupted when the state keeps changing under us; others from the step.
Result<plan::Plan> reconcile(Kernel& kernel, const model::NetnsState& wanted,
                             const model::Scope& scope, Verified verified = Verified::here);

// The same, with what `scope` held before: what somebody who takes it back goes back to.
struct Settled {
    plan::Plan applied;
    model::NetnsState before;
};
Result<Settled> settle(Kernel& kernel, const model::NetnsState& wanted, const model::Scope& scope,
                       Verified verified = Verified::here);

// The same around foreign objects: what does not rest on them is made equal (plan::Difference).
struct Repair {
    plan::Plan applied;
    std::vector<plan::Conflict> conflicts;  // that are left
};
Result<Repair> repair(Kernel& kernel, const model::NetnsState& wanted, const model::Scope& scope);

}  // namespace ambient
