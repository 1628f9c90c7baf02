#include "common/plan/diff.hpp"

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

}  // namespace

Result<Plan> diff(const model::NetnsState& wanted, const model::NetnsState& found,
                  const model::Scope& scope) {
    Draft draft;
    diff_links(wanted, found, draft);
    diff_addresses(wanted, found, draft);
    diff_routes(wanted, found, scope, draft);
    diff_rules(wanted, found, scope, draft);
    diff_sysctls(wanted, found, draft);
    diff_tables(wanted, found, scope, draft);
    if (!draft.conflicts.empty()) {
        return std::unexpected(
            Error{.kind = ErrorKind::conflict,
                  .doing = "not ours, but where ours must be:",
                  .object = fmt::format("{}", fmt::join(draft.conflicts, ", "))});
    }
    if (!draft.missing.empty()) {
        return std::unexpected(Error{.kind = ErrorKind::not_found,
                                     .doing = "the node's datapath is not set up: there is no",
                                     .object = fmt::format("{}", fmt::join(draft.missing, ", "))});
    }
    return assemble(std::move(draft));
}

}  // namespace ambient::plan
