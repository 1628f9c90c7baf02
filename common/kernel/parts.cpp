#include "common/kernel/parts.hpp"

#include <utility>

#include "common/kernel/restorable.hpp"
#include "common/plan/diff.hpp"

namespace ambient {
namespace {

Result<void> restore(Kernel& kernel, const model::Part& part, const model::NetnsState& before) {
    const auto now = TRY(kernel.observe(part.scope));
    TRY(reconcile(kernel, ambient::restorable(before, now), part.scope));
    return {};
}

}  // namespace

Result<std::vector<Settled>> reconcile(const std::vector<model::Part>& parts,
                                       const OpenKernel& open, Verified verified) {
    std::vector<Settled> done;
    std::vector<std::unique_ptr<Kernel>> kernels;
    const auto settle_one = [&](const model::Part& part) -> Result<void> {
        auto kernel = TRY(open(part.where));
        done.push_back(TRY(settle(*kernel, part.wanted, part.scope, verified)));
        kernels.push_back(std::move(kernel));
        return {};
    };
    for (const auto& part : parts) {
        const auto outcome = settle_one(part);
        if (outcome) continue;
        auto cause = outcome.error();
        for (auto i = done.size(); i-- > 0;) {
            const auto undone = restore(*kernels[i], parts[i], done[i].before);
            if (undone) continue;
            if (!cause.kernel_text.empty()) cause.kernel_text += "; ";
            cause.kernel_text +=
                "what was there before could not be restored: " + describe(undone.error());
        }
        return std::unexpected(std::move(cause));
    }
    return done;
}

Result<void> take_back(const std::vector<model::Part>& parts, const std::vector<Settled>& done,
                       const OpenKernel& open) {
    Result<void> outcome;
    for (auto i = done.size(); i-- > 0;) {
        if (done[i].applied.empty()) continue;
        const auto restored = [&]() -> Result<void> {
            const auto kernel = TRY(open(parts[i].where));
            return restore(*kernel, parts[i], done[i].before);
        }();
        if (!restored && outcome) outcome = restored;
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
