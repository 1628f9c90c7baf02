// Expressions as a match of the model. Pure.
#pragma once

#include <optional>
#include <span>

#include "common/model/filter_rule.hpp"
#include "common/netlink/nft_pattern.hpp"

namespace ambient::netlink::nft {

// The match that `rest` begins with; nothing when there is none. Generous in details: that the
// match says exactly what was read is for decode_rule() to verify.
std::optional<Recognised<model::Match>> decode_match(std::span<const Expression> rest);

}  // namespace ambient::netlink::nft
