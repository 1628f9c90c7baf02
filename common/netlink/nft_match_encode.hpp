// A match of the model as expressions, the ones that nft(8) 1.0.6 writes for it. Pure.
#pragma once

#include <optional>

#include "common/base/error.hpp"
#include "common/model/filter_rule.hpp"
#include "common/model/table_id.hpp"
#include "common/netlink/nft_expression.hpp"

namespace ambient::netlink::nft {

// A rule on its way. Tables see both families, so that reading an address needs a check of the
// family before it; one is enough until the next one. An IsFamily match does not count
// as that check: it would be read back as a part of the address match after it.
struct EncodedRule {
    model::TableFamily table = model::TableFamily::inet;
    Expressions expressions = {};
    std::optional<Family> checked_family = std::nullopt;
    bool has_ports = false;  // a match on TCP or UDP went before
    bool has_tcp = false;    // a match on TCP went before

    void add(Expression expression) { expressions.push_back(std::move(expression)); }
    // The packet's family, as a match of its own: meta nfproto, or on a bridge, where that is the
    // bridge's, meta protocol (net/bridge/netfilter/nft_meta_bridge.c leaves both to nft_meta.c).
    void add_family(Family family);
    // The same as a part of what follows, unless it was checked before.
    void check_family(Family family);
};

// Error invalid_input when the match cannot be said: a name too long, a port without its protocol,
// a range upside down.
Result<void> encode_match(const model::Match& match, EncodedRule& rule);

}  // namespace ambient::netlink::nft
