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

// The set that a match looks up; empty for others.
std::string set_in(const model::Match& match) {
    return std::visit(
        [](const auto& m) -> std::string {
            if constexpr (requires { m.set; }) return m.set;
            return {};
        },
        match);
}

// Bytes of a key, as nft(8) makes them (common/netlink/nft_object_names.hpp).
int key_size(model::SetType type) {
    using enum model::SetType;
    switch (type) {
        case ipv4_address:
        case ipv4_prefix: return 4;
        case ipv6_address:
        case ipv6_prefix:
        case interface: return 16;
        case port: return 2;
        case ipv4_endpoint: return 8;
        case ipv6_endpoint: break;
    }
    return 20;
}

// Of what a match looks up.
int key_size(const model::Match& match) {
    using enum model::SetType;
    return std::visit(
        Overloaded{
            [](const model::InSet& m) { return key_size(model::address_set(m.family)); },
            [](const model::InterfaceInSet&) { return key_size(interface); },
            [](const model::PortInSet&) { return key_size(port); },
            [](const model::EndpointInSet& m) {
                return key_size(m.family == Family::ipv4 ? ipv4_endpoint : ipv6_endpoint);
            },
            [](const auto&) { return 0; },
        },
        match);
}

bool looks_up(const FilterChain& chain, const std::string& set) {
    return names(chain.rules, [&](const FilterRule& rule) {
        return names(rule.matches, [&](const model::Match& match) { return set_in(match) == set; });
    });
}

// nft_lookup_init (nft_lookup.c): no such set, or keys of another length.
int refuse_lookup(const FilterTable& table, const model::Match& match) {
    const auto name = set_in(match);
    if (name.empty()) return 0;
    const auto* set = find(table.sets, name);
    if (!set) return ENOENT;
    return key_size(set->type) == key_size(match) ? 0 : EINVAL;
}

// nft_verdict_init: no such chain, or a base chain.
int refuse_jump(const FilterTable& table, const model::Jump& jump) {
    const auto* chain = find(table.chains, jump.chain);
    if (!chain) return ENOENT;
    return chain->hook ? EOPNOTSUPP : 0;
}

int refuse_rule(const FilterTable& table, const FilterRule& rule) {
    for (const auto& match : rule.matches) {
        if (const int refused = refuse_lookup(table, match)) return refused;
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
    if (set->type != model::type_of(step.element.key)) return EINVAL;
    if (!find(set->elements, step.element.key)) put(set->elements, step.element);
    return 0;
}

int delete_element(FilterTable& table, const plan::DeleteElement& step) {
    auto* set = find(table.sets, step.set);
    return set && remove(set->elements, step.element.key) ? 0 : ENOENT;
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
                              return create(table.sets, FilterSet{s.set, s.type, {}});
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
