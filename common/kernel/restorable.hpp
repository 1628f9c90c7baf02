// What an undo may aim at.
#pragma once

#include "common/model/netns_state.hpp"

namespace ambient {

// `before`, except for what the model cannot say and so cannot make again: such a link, route or
// policy rule is taken as it stands `now`, or left out when it is gone; so is a packet-filter table
// with such a part, but when the table is gone only that part is left out. A sysctl that is not
// there now is left out: its device is gone, or comes back with a later step of the same undo.
// An IPv4 address that was lent to a device of others stays: it may be the last one by now, with
// which the kernel takes all routes by that device (net/ipv4/fib_frontend.c, fib_inetaddr_event).
model::NetnsState restorable(const model::NetnsState& before, const model::NetnsState& now);

}  // namespace ambient
