#include "tests/fake/fake_filter.hpp"

#include <algorithm>
#include <cerrno>

#include "common/base/overloaded.hpp"
#include "tests/fake/keyed.hpp"

// Every function names what it mirrors; without a file name it is in net/netfilter/nf_tables_api.c.
namespace ambient::fake {
namespace {

using model::FilterChain;
using model::FilterRule;
using model::FilterSet;
using model::FilterTable;
using Tables = std::vector<FilterTable>;

template <class T, class Match>
bool names(const std::vector<T>& parts, Match match) {
    return std::ranges::any_of(parts, match);
}

bool jumps_to(const FilterChain& chain, const std::string& target) {
    return names(chain.rules, [&](const FilterRule& rule) {
        return names(rule.actions, [&](const model::Action& action) {
            const auto* jump = std::get_if<model::Jump>(&action);
            return jump && jump->chain == target;
        });
    });
}

bool looks_up(const FilterChain& chain, const std::string& set) {
    return names(chain.rules, [&](const FilterRule& rule) {
        return names(rule.matches, [&](const model::Match& match) {
            const auto* lookup = std::get_if<model::InSet>(&match);
            return lookup && lookup->set == set;
        });
    });
}

// nft_lookup_init (nft_lookup.c): no such set, or keys of another length.
int refuse_lookup(const FilterTable& table, const model::InSet& lookup) {
    const auto* set = find(table.sets, lookup.set);
    if (!set) return ENOENT;
    return set->family == lookup.family ? 0 : EINVAL;
}

// nft_verdict_init: no such chain, or a base chain.
int refuse_jump(const FilterTable& table, const model::Jump& jump) {
    const auto* chain = find(table.chains, jump.chain);
    if (!chain) return ENOENT;
    return chain->hook ? EOPNOTSUPP : 0;
}

int refuse_rule(const FilterTable& table, const FilterRule& rule) {
    for (const auto& match : rule.matches) {
        const auto* lookup = std::get_if<model::InSet>(&match);
        if (const int refused = lookup ? refuse_lookup(table, *lookup) : 0) return refused;
    }
    for (const auto& action : rule.actions) {
        const auto* jump = std::get_if<model::Jump>(&action);
        if (const int refused = jump ? refuse_jump(table, *jump) : 0) return refused;
    }
    return 0;
}

template <class T>
int create(std::vector<T>& objects, const T& object) {
    if (find(objects, key(object))) return EEXIST;
    put(objects, object);
    return 0;
}

// nf_tables_delchain: a chain's own rules go with it; jumps from elsewhere keep it.
int delete_chain(FilterTable& table, const std::string& name) {
    const auto keeps = [&](const FilterChain& chain) {
        return chain.name != name && jumps_to(chain, name);
    };
    if (names(table.chains, keeps)) return EBUSY;
    return remove(table.chains, name) ? 0 : ENOENT;
}

// nf_tables_delset: a set that a rule is bound to stays.
int delete_set(FilterTable& table, const std::string& name) {
    if (names(table.chains, [&](const FilterChain& chain) { return looks_up(chain, name); }))
        return EBUSY;
    return remove(table.sets, name) ? 0 : ENOENT;
}

// nft_add_set_elem: one that exists stays as it is, without an error; the key has the set's length.
int add_element(FilterTable& table, const plan::AddElement& step) {
    auto* set = find(table.sets, step.set);
    if (!set) return ENOENT;
    if (set->family != step.element.address.family()) return EINVAL;
    if (!find(set->elements, step.element.address)) put(set->elements, step.element);
    return 0;
}

int delete_element(FilterTable& table, const plan::DeleteElement& step) {
    auto* set = find(table.sets, step.set);
    return set && remove(set->elements, step.element.address) ? 0 : ENOENT;
}

int replace_rules(FilterTable& table, const plan::ReplaceRules& step) {
    auto* chain = find(table.chains, step.chain);
    if (!chain) return ENOENT;
    for (const auto& rule : step.rules) {
        if (const int refused = refuse_rule(table, rule)) return refused;
    }
    chain->rules = step.rules;
    return 0;
}

int apply_to_table(FilterTable& table, const plan::Step& step) {
    return std::visit(Overloaded{
                          [&](const plan::CreateSet& s) {
                              return create(table.sets, FilterSet{s.set, s.family, {}});
                          },
                          [&](const plan::DeleteSet& s) { return delete_set(table, s.set); },
                          [&](const plan::AddElement& s) { return add_element(table, s); },
                          [&](const plan::DeleteElement& s) { return delete_element(table, s); },
                          [&](const plan::CreateChain& s) {
                              return create(table.chains, FilterChain{s.chain, s.hook, {}});
                          },
                          [&](const plan::DeleteChain& s) { return delete_chain(table, s.chain); },
                          [&](const plan::ReplaceRules& s) { return replace_rules(table, s); },
                          [](const auto&) { return EINVAL; },
                      },
                      step);
}

}  // namespace

int apply_filter_step(Tables& tables, const plan::Step& step) {
    if (const auto* s = std::get_if<plan::CreateTable>(&step)) {
        return create(tables, FilterTable{.id = s->table});
    }
    if (const auto* s = std::get_if<plan::DeleteTable>(&step))
        return remove(tables, s->table) ? 0 : ENOENT;
    const auto name = std::visit(
        [](const auto& s) -> model::TableId {
            if constexpr (requires { s.table; }) return s.table;
            return {};
        },
        step);
    auto* table = find(tables, name);
    return table ? apply_to_table(*table, step) : ENOENT;
}

}  // namespace ambient::fake
