#include "common/plan/diff.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/plan/draft.hpp"

namespace ambient::plan {
namespace {

Plan assemble(Draft draft) {
    Plan plan;
    for (auto* stage :
         {&draft.clear_links, &draft.make_links, &draft.delete_addresses, &draft.add_addresses,
          &draft.sysctls, &draft.add_routes, &draft.add_rules, &draft.filter, &draft.change_routes,
          &draft.delete_rules, &draft.delete_routes, &draft.delete_links}) {
        plan.insert(plan.end(), std::make_move_iterator(stage->begin()),
                    std::make_move_iterator(stage->end()));
    }
    return plan;
}

bool holds(const std::vector<model::FilterTable>& tables, const AddElement& step) {
    for (const auto& table : tables) {
        if (table.id != step.table) continue;
        for (const auto& set : table.sets) {
            if (set.name != step.set) continue;
            return std::ranges::binary_search(set.elements, step.element.key, {},
                                              &model::SetElement::key);
        }
    }
    return false;
}

// A pod whose host route cannot be ours is not captured by halves; one that is captured stays so.
void leave_out_conflicted(const std::vector<model::FilterTable>& found, Draft& draft) {
    if (draft.conflicted.empty()) return;
    std::erase_if(draft.filter, [&](const Step& step) {
        const auto* add = std::get_if<AddElement>(&step);
        const auto* pod = add ? std::get_if<IpAddress>(&add->element.key) : nullptr;
        return pod && draft.conflicted.contains(*pod) && !holds(found, *add);
    });
}

}  // namespace

Result<Difference> diff(const model::NetnsState& wanted, const model::NetnsState& found,
                        const model::Scope& scope) {
    Draft draft;
    diff_links(wanted, found, draft);
    // Nothing is built on a foreign link, so nothing is led there either.
    if (!draft.conflicts.empty()) return Difference{.plan = {}, .conflicts = draft.conflicts};
    diff_addresses(wanted, found, draft);
    diff_routes(wanted, found, scope, draft);
    diff_rules(wanted, found, scope, draft);
    diff_sysctls(wanted, found, draft);
    diff_tables(wanted, found, scope, draft);
    leave_out_conflicted(found.tables, draft);
    if (!draft.missing.empty()) {
        return std::unexpected(Error{.kind = ErrorKind::not_found,
                                     .doing = "the node's datapath is not set up: there is no",
                                     .object = fmt::format("{}", fmt::join(draft.missing, ", "))});
    }
    auto conflicts = std::move(draft.conflicts);
    return Difference{.plan = assemble(std::move(draft)), .conflicts = std::move(conflicts)};
}

Result<Plan> diff_without_conflict(const model::NetnsState& wanted, const model::NetnsState& found,
                                   const model::Scope& scope) {
    auto difference = TRY(diff(wanted, found, scope));
    if (!difference.conflicts.empty()) return std::unexpected(conflict_error(difference.conflicts));
    return std::move(difference.plan);
}

}  // namespace ambient::plan
