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

// Passes until `target` holds. `target` is asked for anew with every observation. `applied` gathers
// the steps that took effect.
template <class Target>
Result<void> converge(Kernel& kernel, model::NetnsState found, const model::Scope& scope,
                      Target target, plan::Plan& applied) {
    std::optional<Error> last;
    for (int pass = 0;; ++pass) {
        auto plan = TRY(plan::diff(target(found), found, scope));
        if (plan.empty()) return {};
        if (pass == kPasses) return std::unexpected(last.value_or(settling_error()));
        const auto outcome = kernel.apply(plan);
        const auto done = outcome ? plan.size() : outcome.error().done;
        std::move(plan.begin(), plan.begin() + static_cast<std::ptrdiff_t>(done),
                  std::back_inserter(applied));
        if (!outcome) {
            last = outcome.error().error;
            if (!is_race(*last)) return std::unexpected(*last);
        }
        found = TRY(observe(kernel, scope));
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
        return converge(kernel, std::move(now), scope, target, applied);
    };
    if (const auto undone = undo(); !undone) {
        if (!cause.kernel_text.empty()) cause.kernel_text += "; ";
        cause.kernel_text +=
            "what was there before could not be restored: " + describe(undone.error());
    }
    return cause;
}

}  // namespace

Result<plan::Plan> reconcile(Kernel& kernel, const model::NetnsState& wanted,
                             const model::Scope& scope) {
    const auto before = TRY(observe(kernel, scope));
    plan::Plan applied;
    const auto converged = converge(
        kernel, before, scope, [&](const model::NetnsState&) -> const auto& { return wanted; },
        applied);
    if (converged) return applied;
    if (applied.empty()) return std::unexpected(converged.error());
    return std::unexpected(restore(kernel, before, scope, converged.error()));
}

}  // namespace ambient
