// The numbers by which a namespace knows others, in rtnetlink's words (net/core/net_namespace.c).
// Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/netlink/message.hpp"

namespace ambient::netlink {

// Which number the namespace behind this descriptor has.
Message get_nsid(int netns_fd);
// Nothing when it has none (NETNSA_NSID_NOT_ASSIGNED).
std::optional<std::int32_t> decode_nsid(const nlmsghdr& message);

}  // namespace ambient::netlink
