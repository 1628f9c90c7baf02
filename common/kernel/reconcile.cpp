#include "common/kernel/reconcile.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "common/kernel/restorable.hpp"
#include "common/plan/diff.hpp"

namespace ambient {
namespace {

// How often the state may change under us before we give up. Each change costs one more pass; a pod
// that comes or goes in the middle costs one, and so does a kernel that takes more with a deleted
// object than its plan says.
constexpr int kPasses = 3;

// Whether observing again may help: the kernel holds something else than what we saw.
bool is_race(const Error& error) {
    return error.kind == ErrorKind::interrupted || error.kind == ErrorKind::already_exists ||
           error.kind == ErrorKind::not_found;
}

Result<model::NetnsState> observe(Kernel& kernel, const model::Scope& scope) {
    for (int pass = 1;; ++pass) {
        auto found = kernel.observe(scope);
        if (found || found.error().kind != ErrorKind::interrupted || pass == kPasses) return found;
    }
}

Error settling_error() {
    return Error{.kind = ErrorKind::interrupted,
                 .doing = "make the kernel's state equal to the wanted one: it keeps changing"};
}

// What a failure leaves behind: a step that failed, or a state that does not stay, is undone; when
// all was applied and only the look at it failed, the next look may find it right.
struct Failure {
    Error error;
    bool undo = true;
};

// Passes until `target` holds, but for what `diff` makes no plan for. `target` is asked for anew
// with every observation. `applied` gathers the steps that took effect.
template <class Diff, class Target>
std::expected<std::vector<plan::Conflict>, Failure> converge(Kernel& kernel,
                                                             model::NetnsState found,
                                                             const model::Scope& scope, Diff diff,
                                                             Target target, plan::Plan& applied,
                                                             Verified verified) {
    std::optional<Error> last;
    for (int pass = 0;; ++pass) {
        auto difference = diff(target(found), found, scope);
        if (!difference) return std::unexpected(Failure{difference.error()});
        auto& plan = difference->plan;
        if (plan.empty()) return std::move(difference->conflicts);
        if (pass == kPasses) return std::unexpected(Failure{last.value_or(settling_error())});
        const auto outcome = kernel.apply(plan);
        const auto done = outcome ? plan.size() : outcome.error().done;
        std::move(plan.begin(), plan.begin() + static_cast<std::ptrdiff_t>(done),
                  std::back_inserter(applied));
        if (!outcome) {
            last = outcome.error().error;
            if (!is_race(*last)) return std::unexpected(Failure{*last});
        } else if (verified == Verified::elsewhere) {
            return std::move(difference->conflicts);
        }
        auto now = observe(kernel, scope);
        if (!now) return std::unexpected(Failure{.error = now.error(), .undo = !outcome});
        found = *std::move(now);
    }
}

// Back to what was before; returns `cause`, with the undo's own error added when that fails.
Error restore(Kernel& kernel, const model::NetnsState& before, const model::Scope& scope,
              Error cause) {
    const auto undo = [&]() -> Result<void> {
        auto now = TRY(observe(kernel, scope));
        const auto target = [&](const model::NetnsState& found) {
            return restorable(before, found);
        };
        plan::Plan applied;
        const auto undone =
            converge(kernel, std::move(now), scope, plan::diff, target, applied, Verified::here);
        if (!undone) return std::unexpected(undone.error().error);
        return {};
    };
    if (const auto undone = undo(); !undone) {
        if (!cause.kernel_text.empty()) cause.kernel_text += "; ";
        cause.kernel_text +=
            "what was there before could not be restored: " + describe(undone.error());
    }
    return cause;
}

template <class Diff>
Result<Repair> settle_from(Kernel& kernel, const model::NetnsState& before,
                           const model::NetnsState& wanted, const model::Scope& scope, Diff diff,
                           Verified verified) {
    Repair repair;
    auto converged = converge(
        kernel, before, scope, diff,
        [&](const model::NetnsState&) -> const auto& { return wanted; }, repair.applied, verified);
    if (converged) {
        repair.conflicts = *std::move(converged);
        return repair;
    }
    const auto& [error, undo] = converged.error();
    if (!undo || repair.applied.empty()) return std::unexpected(error);
    return std::unexpected(restore(kernel, before, scope, error));
}

// A difference without conflicts, or their error.
Result<plan::Difference> unopposed(const model::NetnsState& wanted, const model::NetnsState& found,
                                   const model::Scope& scope) {
    return plan::Difference{.plan = TRY(plan::diff_without_conflict(wanted, found, scope)),
                            .conflicts = {}};
}

}  // namespace

Result<Repair> repair(Kernel& kernel, const model::NetnsState& wanted, const model::Scope& scope) {
    return settle_from(kernel, TRY(observe(kernel, scope)), wanted, scope, plan::diff,
                       Verified::here);
}

Result<Settled> settle(Kernel& kernel, const model::NetnsState& wanted, const model::Scope& scope,
                       Verified verified) {
    auto before = TRY(observe(kernel, scope));
    auto applied = TRY(settle_from(kernel, before, wanted, scope, unopposed, verified)).applied;
    return Settled{.applied = std::move(applied), .before = std::move(before)};
}

Result<plan::Plan> reconcile(Kernel& kernel, const model::NetnsState& wanted,
                             const model::Scope& scope, Verified verified) {
    return TRY(settle(kernel, wanted, scope, verified)).applied;
}

}  // namespace ambient
