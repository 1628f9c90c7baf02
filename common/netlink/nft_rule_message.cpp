#include "common/netlink/nft_rule_message.hpp"

#include <memory>
#include <new>

#include <libnftnl/rule.h>

#include "common/netlink/message.hpp"
#include "common/netlink/nft_expression_codec.hpp"
#include "common/netlink/nft_object_names.hpp"
#include "common/netlink/nft_rule.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

struct FreeRule {
    void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
};
using NftnlRule = std::unique_ptr<nftnl_rule, FreeRule>;

NftnlRule new_rule() {
    NftnlRule rule(nftnl_rule_alloc());
    if (!rule) throw std::bad_alloc();
    return rule;
}

int collect(nftnl_expr* expression, void* into) {
    static_cast<Expressions*>(into)->push_back(from_nftnl(*expression));
    return 0;
}

}  // namespace

Result<void> put_rule(const model::TableId& table, const std::string& chain,
                      const model::FilterRule& rule, MessageBuffer& to) {
    const auto expressions = TRY(encode_rule(rule, table.family));
    const auto made = new_rule();
    nftnl_rule_set_str(made.get(), NFTNL_RULE_TABLE, table.name.c_str());
    nftnl_rule_set_str(made.get(), NFTNL_RULE_CHAIN, chain.c_str());
    for (const auto& expression : expressions)
        nftnl_rule_add_expr(made.get(), to_nftnl(expression).release());
    auto* message = to.start(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, table.family);
    nftnl_rule_nlmsg_build_payload(message, made.get());
    to.finish(message);
    return {};
}

std::optional<RuleOfChain> decode_rule_message(const nlmsghdr& message) {
    RuleOfChain decoded{.chain = Attributes::after<nfgenmsg>(message).text(NFTA_RULE_CHAIN),
                        .rule = {}};
    const auto header = fixed_part<nfgenmsg>(message);
    const auto family = header ? table_family_of(header->nfgen_family) : std::nullopt;
    if (decoded.chain.empty() || !family) return std::nullopt;
    const auto parsed = new_rule();
    if (nftnl_rule_nlmsg_parse(&message, parsed.get()) == 0) {
        Expressions expressions;
        nftnl_expr_foreach(parsed.get(), collect, &expressions);
        decoded.rule = decode_rule(expressions, *family);
    } else {
        // An expression that is younger than libnftnl.
        decoded.rule.beyond_model = true;
    }
    return decoded;
}

}  // namespace ambient::netlink::nft
