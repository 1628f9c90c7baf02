// A rule of the model as nf_tables expressions in a table of some family, and back. Pure.
#pragma once

#include <span>

#include "common/base/error.hpp"
#include "common/model/filter_rule.hpp"
#include "common/model/table_id.hpp"
#include "common/netlink/nft_expression.hpp"

namespace ambient::netlink::nft {

// Error invalid_input when the rule, or something in it, cannot be said.
Result<Expressions> encode_rule(const model::FilterRule& rule, model::TableFamily table);

// Always the truth: the rule returned encodes to exactly `expressions`, or it has `beyond_model`
// set.
model::FilterRule decode_rule(std::span<const Expression> expressions, model::TableFamily table);

}  // namespace ambient::netlink::nft
