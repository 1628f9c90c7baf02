#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "common/plan/draft.hpp"
#include "common/plan/merge_walk.hpp"
#include "common/plan/nft_text.hpp"

namespace ambient::plan {
namespace {

using model::FilterChain;
using model::FilterSet;
using model::FilterTable;
using model::SetElement;

// What one table needs, in the order of the transaction: rules see every set and chain that they
// name, and nothing is deleted that a rule still names.
struct TableDraft {
    Plan create;
    Plan rules;
    Plan delete_elements;
    Plan add_elements;
    Plan delete_chains;
    Plan delete_sets;
};

void append(Plan& plan, Plan&& more) {
    plan.insert(plan.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
}

void add_elements(const model::TableId& table, const FilterSet& set, Plan& out) {
    for (const auto& element : set.elements)
        out.emplace_back(AddElement{table, set.name, element});
}

void delete_elements(const model::TableId& table, const FilterSet& set, Plan& out) {
    for (const auto& element : set.elements) {
        out.emplace_back(DeleteElement{table, set.name, element});
    }
}

// A comment that differs is delete and add: nf_tables leaves an element that exists as it is
// (net/netfilter/nf_tables_api.c, nft_add_set_elem).
void diff_set(const model::TableId& table, const FilterSet& wanted, const FilterSet& found,
              TableDraft& draft) {
    const auto add = [&](const SetElement& element) {
        draft.add_elements.emplace_back(AddElement{table, wanted.name, element});
    };
    const auto remove = [&](const SetElement& element) {
        draft.delete_elements.emplace_back(DeleteElement{table, found.name, element});
    };
    merge_walk(wanted.elements, found.elements, add, remove,
               [&](const SetElement& want, const SetElement& have) {
                   if (want == have) return;
                   remove(have);
                   add(want);
               });
}

void create_set(const model::TableId& table, const FilterSet& set, TableDraft& draft) {
    draft.create.emplace_back(CreateSet{table, set.name, set.type});
    add_elements(table, set, draft.add_elements);
}

void create_chain(const model::TableId& table, const FilterChain& chain, TableDraft& draft) {
    draft.create.emplace_back(CreateChain{table, chain.name, chain.hook});
    if (!chain.rules.empty()) {
        draft.rules.emplace_back(ReplaceRules{table, chain.name, chain.rules});
    }
}

// Emptied first: unwanted chains may jump to one another.
void delete_chain(const model::TableId& table, const FilterChain& chain, TableDraft& draft) {
    if (!chain.rules.empty()) draft.rules.emplace_back(ReplaceRules{table, chain.name, {}});
    draft.delete_chains.emplace_back(DeleteChain{table, chain.name});
}

TableDraft create_table(const FilterTable& table) {
    TableDraft draft;
    draft.create.emplace_back(CreateTable{table.id});
    for (const auto& set : table.sets)
        create_set(table.id, set, draft);
    for (const auto& chain : table.chains)
        create_chain(table.id, chain, draft);
    return draft;
}

TableDraft change_table(const FilterTable& wanted, const FilterTable& found) {
    const auto& table = wanted.id;
    TableDraft draft;
    merge_walk(
        wanted.sets, found.sets, [&](const FilterSet& want) { create_set(table, want, draft); },
        [&](const FilterSet& have) { draft.delete_sets.emplace_back(DeleteSet{table, have.name}); },
        [&](const FilterSet& want, const FilterSet& have) { diff_set(table, want, have, draft); });
    merge_walk(
        wanted.chains, found.chains,
        [&](const FilterChain& want) { create_chain(table, want, draft); },
        [&](const FilterChain& have) { delete_chain(table, have, draft); },
        [&](const FilterChain& want, const FilterChain& have) {
            if (want.rules == have.rules) return;
            draft.rules.emplace_back(ReplaceRules{table, want.name, want.rules});
        });
    return draft;
}

// A set cannot change its type, nor a chain its hook; what the model cannot say of a table (that
// it is dormant, say) cannot be put right by any step. The table is then built anew, which the
// transaction makes atomic too: no rule that names the old set or chain has to be found.
bool must_rebuild(const FilterTable& wanted, const FilterTable& found) {
    bool rebuild = wanted.beyond_model != found.beyond_model;
    const auto ignore = [](const auto&) {};
    merge_walk(wanted.sets, found.sets, ignore, ignore,
               [&](const FilterSet& want, const FilterSet& have) {
                   rebuild = rebuild || want.type != have.type;
               });
    merge_walk(wanted.chains, found.chains, ignore, ignore,
               [&](const FilterChain& want, const FilterChain& have) {
                   rebuild = rebuild || want.hook != have.hook;
               });
    return rebuild;
}

void assemble(TableDraft&& table, Plan& plan) {
    append(plan, std::move(table.create));
    append(plan, std::move(table.rules));
    append(plan, std::move(table.delete_elements));
    append(plan, std::move(table.add_elements));
    append(plan, std::move(table.delete_chains));
    append(plan, std::move(table.delete_sets));
}

// A table as a whole.
Plan diff_table(const FilterTable* wanted, const FilterTable* found) {
    Plan plan;
    const bool rebuild = wanted && found && must_rebuild(*wanted, *found);
    if (found && (!wanted || rebuild)) plan.emplace_back(DeleteTable{found->id});
    if (wanted) {
        assemble(found && !rebuild ? change_table(*wanted, *found) : create_table(*wanted), plan);
    }
    return plan;
}

// Only elements: a set that is wanted with some must be there.
Plan diff_elements(const FilterTable* wanted, const FilterTable* found, Draft& draft) {
    static const std::vector<FilterSet> kNone;
    const auto& table = wanted ? wanted->id : found->id;
    TableDraft changes;
    const auto missing = [&](const FilterSet& set) {
        draft.missing.push_back(fmt::format("set {} in table {}", set.name, to_string(table)));
    };
    merge_walk(
        wanted ? wanted->sets : kNone, found ? found->sets : kNone,
        [&](const FilterSet& want) {
            if (!want.elements.empty()) missing(want);
        },
        [&](const FilterSet& have) { delete_elements(table, have, changes.delete_elements); },
        [&](const FilterSet& want, const FilterSet& have) {
            if (want.type == have.type) return diff_set(table, want, have, changes);
            missing(want);  // this one has keys of another type
        });
    Plan plan;
    assemble(std::move(changes), plan);
    return plan;
}

}  // namespace

void diff_tables(const model::NetnsState& wanted, const model::NetnsState& found,
                 const model::Scope& scope, Draft& draft) {
    const auto diff = [&](const FilterTable* want, const FilterTable* have) {
        const auto& id = want ? want->id : have->id;
        const auto selector = std::ranges::find(scope.filter, id, &model::FilterSelector::table);
        const bool whole = selector == scope.filter.end() || selector->chains;
        append(draft.filter, whole ? diff_table(want, have) : diff_elements(want, have, draft));
    };
    merge_walk(
        wanted.tables, found.tables, [&](const FilterTable& want) { diff(&want, nullptr); },
        [&](const FilterTable& have) { diff(nullptr, &have); },
        [&](const FilterTable& want, const FilterTable& have) { diff(&want, &have); });
}

}  // namespace ambient::plan
