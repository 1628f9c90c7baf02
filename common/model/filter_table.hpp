// A packet-filter table with its sets and chains; it is ours as a whole.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/filter_rule.hpp"
#include "common/model/set_key.hpp"
#include "common/model/table_id.hpp"

namespace ambient::model {

// `comment` says for whom the element stands (at most kMaxComment bytes); it is kept by the kernel.
struct SetElement {
    SetKey key;
    std::string comment = {};

    auto operator<=>(const SetElement&) const = default;
};
// libnftnl, NFTNL_UDATA_COMMENT_MAXLEN less the NUL.
inline constexpr std::size_t kMaxComment = 127;

// Elements are sorted by key.
struct FilterSet {
    std::string name;
    SetType type = SetType::ipv4_address;
    std::vector<SetElement> elements;

    auto operator<=>(const FilterSet&) const = default;
};

enum class ChainType : std::uint8_t { filter, nat, route };
enum class Hook : std::uint8_t { prerouting, input, forward, output, postrouting };

// Where a base chain hangs; its policy is accept. Nothing of it changes in place: nf_tables refuses
// another type, hook or priority for a chain that exists (net/netfilter/nf_tables_api.c,
// nf_tables_updchain).
struct ChainHook {
    ChainType type = ChainType::filter;
    Hook hook = Hook::prerouting;
    int priority = 0;

    auto operator<=>(const ChainHook&) const = default;
};

// Without a hook: a chain to jump to.
struct FilterChain {
    std::string name;
    std::optional<ChainHook> hook = std::nullopt;
    std::vector<FilterRule> rules;

    auto operator<=>(const FilterChain&) const = default;
};

// `beyond_model`: read from the kernel, and the table itself, a set or a chain of it cannot be said
// with these types (a dormant table, another policy, hook or set type). It then equals nothing that
// we want and is replaced as a whole.
struct FilterTable {
    TableId id;
    std::vector<FilterSet> sets = {};
    std::vector<FilterChain> chains = {};
    bool beyond_model = false;

    auto operator<=>(const FilterTable&) const = default;
};

// Identities: names within their table (net/netfilter/nf_tables_api.c, nft_set_lookup,
// nft_chain_lookup), an element its key.
inline const TableId& key(const FilterTable& t) { return t.id; }
inline const std::string& key(const FilterSet& s) { return s.name; }
inline const std::string& key(const FilterChain& c) { return c.name; }
inline const SetKey& key(const SetElement& e) { return e.key; }

}  // namespace ambient::model
