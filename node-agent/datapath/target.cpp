#include "node-agent/datapath/target.hpp"

#include "common/base/overloaded.hpp"
#include "common/kernel/reconcile.hpp"
#include "common/plan/diff.hpp"
#include "common/plan/print.hpp"
#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

std::string touched(const plan::Step& step) {
    if (plan::is_filter_step(step)) return "filter";
    return std::visit(Overloaded{
                          [](const plan::CreateLink&) { return "link"; },
                          [](const plan::ChangeLink&) { return "link"; },
                          [](const plan::DeleteLink&) { return "link"; },
                          [](const plan::AddAddress&) { return "address"; },
                          [](const plan::DeleteAddress&) { return "address"; },
                          [](const plan::PutRoute&) { return "route"; },
                          [](const plan::DeleteRoute&) { return "route"; },
                          [](const plan::AddRule&) { return "rule"; },
                          [](const plan::DeleteRule&) { return "rule"; },
                          [](const auto&) { return "sysctl"; },
                      },
                      step);
}

}  // namespace

Result<std::vector<plan::Conflict>> Target::settle(const model::NetnsState& wanted,
                                                   const model::Scope& scope, bool changed,
                                                   DriftCounts& drift) {
    auto [applied, conflicts] = TRY(repair(kernel_, wanted, scope));
    report(applied, !changed, drift);
    return std::move(conflicts);
}

Result<std::string> Target::preview(const model::NetnsState& wanted, const model::Scope& scope) {
    const auto [plan, conflicts] = TRY(plan::diff(wanted, TRY(kernel_.observe(scope)), scope));
    auto text = "# " + name_ + " namespace" + (plan.empty() ? ": nothing to do\n" : "\n") +
                plan::to_string(plan);
    for (const auto& conflict : conflicts)
        text += "# not ours, but where ours must be: " + plan::to_string(conflict) + "\n";
    return text;
}

void Target::report(const plan::Plan& applied, bool is_drift, DriftCounts& drift) const {
    if (applied.empty()) return;
    for (const auto& step : applied) {
        const auto kind = touched(step);
        if (is_drift) {
            log(LogLevel::warning, "drift repaired",
                {{"site", name_},
                 {"kind", kind},
                 {"total", ++drift[kind]},
                 {"step", plan::to_string(step)}});
        } else if (logs(LogLevel::debug)) {  // a node's first settle has thousands
            log(LogLevel::debug, "step",
                {{"site", name_}, {"kind", kind}, {"step", plan::to_string(step)}});
        }
    }
    log(LogLevel::info, is_drift ? "repaired" : "changed",
        {{"site", name_}, {"steps", applied.size()}});
}

}  // namespace ambient::agent
