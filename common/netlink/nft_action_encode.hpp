// An action of the model as expressions, the ones that nft(8) 1.0.6 writes for it. Pure.
#pragma once

#include "common/base/error.hpp"
#include "common/model/filter_rule.hpp"
#include "common/netlink/nft_match_encode.hpp"

namespace ambient::netlink::nft {

// Error invalid_input when the action cannot be said: a name or prefix too long, mark bits outside
// their mask.
Result<void> encode_action(const model::Action& action, EncodedRule& rule);

}  // namespace ambient::netlink::nft
