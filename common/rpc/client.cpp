#include "common/rpc/client.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "common/rpc/codec.hpp"
#include "common/rpc/descriptor.hpp"
#include "common/rpc/socket_address.hpp"

namespace ambient::rpc {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// Everything that keeps us from talking to the agent reads the same to callers: not now.
Error no_agent(int errno_value, std::string doing, const std::string& path) {
    // SO_SNDTIMEO and SO_RCVTIMEO report their end as EAGAIN (socket(7)).
    Error error =
        errno_error(errno_value == EAGAIN ? ETIMEDOUT : errno_value, std::move(doing), path);
    error.kind = ErrorKind::unavailable;
    return error;
}

// Calls of the kind of `option` (SO_SNDTIMEO or SO_RCVTIMEO) wait no longer; a zero would mean for
// ever.
void limit(int socket, int option, microseconds most) {
    most = std::max(most, microseconds(1));
    const timeval value = {.tv_sec = most.count() / 1'000'000, .tv_usec = most.count() % 1'000'000};
    ::setsockopt(socket, SOL_SOCKET, option, &value, sizeof value);
}

}  // namespace

Result<Client> Client::connect(const std::string& path, std::chrono::milliseconds timeout) {
    const auto address = TRY(socket_address(path));
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) return std::unexpected(errno_error(errno, "open a socket to the agent at", path));
    // A blocking connect waits for room in the listener's backlog up to this long
    // (net/unix/af_unix.c, unix_stream_connect); a non-blocking one would have to be tried again
    // and again.
    limit(socket.get(), SO_SNDTIMEO, timeout);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return std::unexpected(no_agent(errno, "connect to the agent at", path));
    }
    return Client(std::move(socket), path);
}

Result<Reply> Client::call(const Request& request, std::chrono::milliseconds timeout) {
    const auto text = encode(request);
    if (text.size() > kMaxMessage) {
        return std::unexpected(invalid_input("the request to the agent is larger than 64 KiB"));
    }
    const int netns = request.netns ? request.netns->fd() : -1;
    // There is room at once, unless the agent lets requests lie.
    auto patience = std::chrono::duration_cast<microseconds>(timeout);
    bool sent = send_with(socket_.get(), text, netns, MSG_DONTWAIT) >= 0;
    if (!sent && errno == EAGAIN) {
        const auto deadline = Clock::now() + patience;
        limit(socket_.get(), SO_SNDTIMEO, patience);
        sent = send_with(socket_.get(), text, netns) >= 0;
        patience = std::chrono::duration_cast<microseconds>(deadline - Clock::now());
    }
    if (!sent) return std::unexpected(no_agent(errno, "ask the agent at", path_));

    const auto buffer = std::make_unique_for_overwrite<char[]>(kMaxMessage);
    if (patience != receive_limit_) limit(socket_.get(), SO_RCVTIMEO, receive_limit_ = patience);
    const auto received = ::recv(socket_.get(), buffer.get(), kMaxMessage, MSG_TRUNC);
    if (received < 0) return std::unexpected(no_agent(errno, "hear from the agent at", path_));
    if (received == 0)
        return std::unexpected(no_agent(ECONNRESET, "hear from the agent at", path_));
    if (static_cast<std::size_t>(received) > kMaxMessage) {
        return std::unexpected(invalid_input("the agent's reply is larger than 64 KiB"));
    }
    return decode_reply({buffer.get(), static_cast<std::size_t>(received)});
}

}  // namespace ambient::rpc
