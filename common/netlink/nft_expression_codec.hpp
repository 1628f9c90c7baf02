// Expressions as libnftnl has them, and back: the only place that knows libnftnl's attributes of
// expressions.
#pragma once

#include <memory>

#include <libnftnl/expr.h>

#include "common/netlink/nft_expression.hpp"

namespace ambient::netlink::nft {

struct FreeExpression {
    void operator()(nftnl_expr* expression) const { nftnl_expr_free(expression); }
};
using NftnlExpression = std::unique_ptr<nftnl_expr, FreeExpression>;

// `expression` is not Unknown (encode_rule() never makes one).
NftnlExpression to_nftnl(const Expression& expression);

// Unknown unless the value says all of it. What the kernel adds by itself (flags that a port
// implies, the end of a range of one) is taken off, so that a rule reads back as it was written.
Expression from_nftnl(const nftnl_expr& expression);

}  // namespace ambient::netlink::nft
