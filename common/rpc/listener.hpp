// The agent's listening socket. Free of any event loop: the agent waits for the descriptor as it
// likes.
#pragma once

#include <string>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"
#include "common/rpc/messages.hpp"

namespace ambient::rpc {

// Removes the socket that a dead agent left at `path`. Error conflict when a living one serves
// there, or something else than a socket stands there.
Result<void> remove_leftover(const std::string& path);

// A non-blocking SEQPACKET socket at `path` (mode 0600; its folder is made with mode 0700 when it
// does not exist), in place of a dead agent's (remove_leftover). The caller keeps the path to
// itself: two agents that start at the same moment are not told apart.
Result<UniqueFd> listen(const std::string& path);

// The next connection, non-blocking; its peer is root. Error permission when it is not (the
// connection is closed); unavailable when none waits.
Result<UniqueFd> accept(int listener);

// One datagram, its text empty when the peer has closed; and the answer. Errors: unavailable when
// the socket would block; invalid_input when a message is larger than kMaxMessage.
struct Received {
    std::string text;
    UniqueFd descriptor = {};
};
Result<Received> receive(int connection);
// Errors as decode_request(); invalid_input when the descriptor is no network namespace.
Result<Request> request_of(Received message);
Result<void> send(int connection, const std::string& message);

}  // namespace ambient::rpc
