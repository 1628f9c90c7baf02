// Expressions as an action of the model. Pure.
#pragma once

#include <optional>
#include <span>

#include "common/model/filter_rule.hpp"
#include "common/netlink/nft_pattern.hpp"

namespace ambient::netlink::nft {

// The action that `rest` begins with; nothing when there is none. Generous in details, as
// decode_match().
std::optional<Recognised<model::Action>> decode_action(std::span<const Expression> rest);

}  // namespace ambient::netlink::nft
