#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "common/plan/draft.hpp"
#include "common/plan/merge_walk.hpp"

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
    draft.create.emplace_back(CreateSet{table, set.name, set.family});
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

// A set cannot change its family, nor a chain its hook; what the model cannot say of a table (that
// it is dormant, say) cannot be put right by any step. The table is then built anew, which the
// transaction makes atomic too: no rule that names the old set or chain has to be found.
bool must_rebuild(const FilterTable& wanted, const FilterTable& found) {
    bool rebuild = wanted.beyond_model != found.beyond_model;
    const auto ignore = [](const auto&) {};
    merge_walk(wanted.sets, found.sets, ignore, ignore,
               [&](const FilterSet& want, const FilterSet& have) {
                   rebuild = rebuild || want.family != have.family;
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

}  // namespace

void diff_tables(const model::NetnsState& wanted, const model::NetnsState& found, Draft& draft) {
    merge_walk(
        wanted.tables, found.tables,
        [&](const FilterTable& want) { assemble(create_table(want), draft.filter); },
        [&](const FilterTable& have) { draft.filter.emplace_back(DeleteTable{have.id}); },
        [&](const FilterTable& want, const FilterTable& have) {
            if (must_rebuild(want, have)) {
                draft.filter.emplace_back(DeleteTable{have.id});
                assemble(create_table(want), draft.filter);
            } else {
                assemble(change_table(want, have), draft.filter);
            }
        });
}

void diff_elements(const model::NetnsState& wanted, const model::NetnsState& found, Draft& draft) {
    TableDraft changes;
    const auto missing = [&](const model::TableId& table, const FilterSet& set) {
        if (set.elements.empty()) return;
        draft.missing.push_back(fmt::format("set {} in table {}", set.name, to_string(table)));
    };
    const auto remove = [&](const model::TableId& table, const FilterSet& set) {
        delete_elements(table, set, changes.delete_elements);
    };
    merge_walk(
        wanted.tables, found.tables,
        [&](const FilterTable& want) {
            for (const auto& set : want.sets)
                missing(want.id, set);
        },
        [&](const FilterTable& have) {
            for (const auto& set : have.sets)
                remove(have.id, set);
        },
        [&](const FilterTable& want, const FilterTable& have) {
            merge_walk(
                want.sets, have.sets, [&](const FilterSet& set) { missing(want.id, set); },
                [&](const FilterSet& set) { remove(have.id, set); },
                [&](const FilterSet& want_set, const FilterSet& have_set) {
                    if (want_set.family != have_set.family) {
                        draft.conflicts.push_back(fmt::format("set {} in table {} ({})",
                                                              have_set.name, to_string(have.id),
                                                              to_string(have_set.family)));
                    } else {
                        diff_set(want.id, want_set, have_set, changes);
                    }
                });
        });
    assemble(std::move(changes), draft.filter);
}

}  // namespace ambient::plan
