// A match of the model as expressions, the ones that nft(8) 1.0.6 writes for it in a table of
// family inet. Pure.
#pragma once

#include <optional>

#include "common/base/error.hpp"
#include "common/model/filter_rule.hpp"
#include "common/netlink/nft_expression.hpp"

namespace ambient::netlink::nft {

// A rule on its way. A table of family inet sees both families, so that reading an address needs a
// check of the family before it; one is enough for the rest of the rule. An IsFamily match does not
// count as that check: its rule would read back without it.
struct EncodedRule {
    Expressions expressions;
    std::optional<Family> checked_family = std::nullopt;
    bool has_ports = false;  // a match on TCP or UDP went before

    void add(Expression expression) { expressions.push_back(std::move(expression)); }
    void check_family(Family family);
};

// Error invalid_input when the match cannot be said: a name too long, a port without its protocol,
// a range upside down.
Result<void> encode_match(const model::Match& match, EncodedRule& rule);

// meta nfproto == family
void add_family(Family family, Expressions& to);

}  // namespace ambient::netlink::nft
