// A datagram with at most one open descriptor beside its text (unix(7), SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <span>

#include "common/base/unique_fd.hpp"

namespace ambient::rpc {

// send(2) with `descriptor` beside the bytes when it is not negative; errno tells.
ssize_t send_with(int socket, std::span<const char> bytes, int descriptor, int flags = 0);

// recv(2) with MSG_TRUNC. The first descriptor that came with the bytes is the caller's; the kernel
// closes those that find no room.
ssize_t receive_with(int socket, std::span<char> bytes, UniqueFd& descriptor);

}  // namespace ambient::rpc
