// What the kernel answered to a request: errno and, when it gave one, its own words (extended ack).
#pragma once

#include <linux/netlink.h>

#include <optional>
#include <string>

namespace ambient::netlink {

// `errno_value` is positive, 0 for success.
struct Ack {
    int errno_value = 0;
    std::string kernel_text = {};

    bool operator==(const Ack&) const = default;
};

// Nothing when the message is neither NLMSG_ERROR nor NLMSG_DONE. Here, and only here, the sign of
// errno is turned.
std::optional<Ack> read_ack(const nlmsghdr& message);

}  // namespace ambient::netlink
