// Rules on the wire, through libnftnl.
#pragma once

#include <linux/netlink.h>

#include <optional>
#include <string>

#include "common/base/error.hpp"
#include "common/model/filter_rule.hpp"
#include "common/netlink/nft_message_buffer.hpp"

namespace ambient::netlink::nft {

// Appends the rule to the chain. Error invalid_input as encode_rule().
Result<void> put_rule(const model::TableId& table, const std::string& chain,
                      const model::FilterRule& rule, MessageBuffer& to);

struct RuleOfChain {
    std::string chain;
    model::FilterRule rule;
};

// Nothing when the message names no chain, or is of a family that we have no tables of.
std::optional<RuleOfChain> decode_rule_message(const nlmsghdr& message);

}  // namespace ambient::netlink::nft
