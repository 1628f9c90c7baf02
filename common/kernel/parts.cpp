#include "common/kernel/parts.hpp"

#include <ranges>
#include <utility>

#include "common/kernel/restorable.hpp"
#include "common/plan/diff.hpp"

namespace ambient {
namespace {

struct Settled {
    const model::Part& part;
    std::unique_ptr<Kernel> kernel;
    model::NetnsState before;
};

Result<void> restore(const Settled& settled) {
    const auto& [part, kernel, before] = settled;
    const auto now = TRY(kernel->observe(part.scope));
    TRY(reconcile(*kernel, ambient::restorable(before, now), part.scope));
    return {};
}

// Returns `cause`, with the undo's own errors added when that fails.
Error undo(const std::vector<Settled>& all, Error cause) {
    for (const auto& settled : all | std::views::reverse) {
        const auto undone = restore(settled);
        if (undone) continue;
        if (!cause.kernel_text.empty()) cause.kernel_text += "; ";
        cause.kernel_text +=
            "what was there before could not be restored: " + describe(undone.error());
    }
    return cause;
}

}  // namespace

Result<std::vector<plan::Plan>> reconcile(const std::vector<model::Part>& parts,
                                          const OpenKernel& open, Verified verified) {
    std::vector<plan::Plan> plans;
    std::vector<Settled> settled;
    const auto settle = [&](const model::Part& part) -> Result<void> {
        auto kernel = TRY(open(part.where));
        // Nothing comes after the last part that could undo it: what was before is not asked for.
        const bool last = &part == &parts.back();
        auto before = last ? model::NetnsState{} : TRY(kernel->observe(part.scope));
        plans.push_back(TRY(reconcile(*kernel, part.wanted, part.scope, verified)));
        if (!last) settled.push_back({part, std::move(kernel), std::move(before)});
        return {};
    };
    for (const auto& part : parts) {
        if (const auto outcome = settle(part); !outcome)
            return std::unexpected(undo(settled, outcome.error()));
    }
    return plans;
}

Result<void> remove(const std::vector<model::Part>& parts, const OpenKernel& open) {
    Result<void> outcome;
    for (const auto& part : parts | std::views::reverse) {
        const auto removed = [&]() -> Result<void> {
            const auto kernel = TRY(open(part.where));
            TRY(reconcile(*kernel, {}, part.scope));
            return {};
        }();
        if (!removed && outcome) outcome = removed;
    }
    return outcome;
}

Result<std::vector<plan::Plan>> differences(const std::vector<model::Part>& parts,
                                            const OpenKernel& open) {
    std::vector<plan::Plan> plans;
    for (const auto& part : parts) {
        const auto kernel = TRY(open(part.where));
        const auto found = TRY(kernel->observe(part.scope));
        plans.push_back(TRY(plan::diff_without_conflict(part.wanted, found, part.scope)));
    }
    return plans;
}

}  // namespace ambient
