// Policy rules in rtnetlink's words (net/core/fib_rules.c). Pure.
#pragma once

#include <optional>

#include "common/model/policy_rule.hpp"
#include "common/netlink/message.hpp"

namespace ambient::netlink {

// RTM_NEWRULE or RTM_DELRULE; nothing for families that are not in the model. Error internal when
// the message is malformed.
Result<std::optional<model::PolicyRule>> decode_rule(const nlmsghdr& message);

Message dump_rules(Family family);
Message add_rule(const model::PolicyRule& rule);
Message delete_rule(const model::PolicyRule& rule);

}  // namespace ambient::netlink
