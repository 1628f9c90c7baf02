#include "common/netlink/nft_rule.hpp"

#include <algorithm>

#include "common/netlink/nft_action_decode.hpp"
#include "common/netlink/nft_action_encode.hpp"
#include "common/netlink/nft_match_decode.hpp"
#include "common/netlink/nft_match_encode.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

// net/netfilter/nf_tables_api.c, NFT_RULE_MAXEXPRS
constexpr std::size_t kMaxExpressions = 128;

model::FilterRule beyond_model() {
    model::FilterRule rule;
    rule.beyond_model = true;
    return rule;
}

}  // namespace

Result<Expressions> encode_rule(const model::FilterRule& rule, model::TableFamily table) {
    if (rule.beyond_model)
        return std::unexpected(invalid_input("a rule that we could not read cannot be written"));
    EncodedRule encoded{.table = table};
    for (const auto& match : rule.matches)
        TRY(encode_match(match, encoded));
    for (const auto& action : rule.actions)
        TRY(encode_action(action, encoded));
    if (encoded.expressions.size() > kMaxExpressions)
        return std::unexpected(invalid_input("a rule is too long"));
    return std::move(encoded.expressions);
}

model::FilterRule decode_rule(std::span<const Expression> expressions, model::TableFamily table) {
    model::FilterRule rule;
    for (auto rest = expressions; !rest.empty();) {
        // Actions first: the family check that belongs to a KeepDestination would read as a match.
        if (auto action = decode_action(rest)) {
            rule.actions.push_back(std::move(action->what));
            rest = rest.subspan(action->taken);
        } else if (auto match = decode_match(rest)) {
            rule.matches.push_back(std::move(match->what));
            rest = rest.subspan(match->taken);
        } else {
            return beyond_model();
        }
    }
    const auto again = encode_rule(rule, table);
    if (!again || !std::ranges::equal(*again, expressions)) return beyond_model();
    return rule;
}

}  // namespace ambient::netlink::nft
