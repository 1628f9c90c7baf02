#include "common/rpc/listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "common/rpc/codec.hpp"
#include "common/rpc/descriptor.hpp"
#include "common/rpc/socket_address.hpp"

namespace ambient::rpc {
namespace {

// A node's worth of plugins at once: one that finds no room waits in connect(), and its agent does
// not hear what it has to say.
constexpr int kBacklog = 4096;
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kSocketMode = 0600;

Result<void> make_folder(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0) return {};
    const auto folder = path.substr(0, slash);
    if (::mkdir(folder.c_str(), kFolderMode) == 0 || errno == EEXIST) return {};
    return std::unexpected(errno_error(errno, "make folder", folder));
}

UniqueFd seqpacket_socket() {
    return UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

}  // namespace

Result<void> remove_leftover(const std::string& path) {
    const auto address = TRY(socket_address(path));
    const auto probe = seqpacket_socket();
    if (!probe) return std::unexpected(errno_error(errno, "open a socket for", path));
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno == EAGAIN) {
        return std::unexpected(
            Error{.kind = ErrorKind::conflict, .doing = "another agent serves", .object = path});
    }
    if (errno == ENOENT) return {};
    // Only a refused connection proves that nobody serves there; any file that is no socket
    // refuses, too (net/unix/af_unix.c, unix_find_bsd).
    if (errno != ECONNREFUSED) return std::unexpected(errno_error(errno, "probe socket", path));
    struct stat status = {};
    if (::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
        return std::unexpected(
            Error{.kind = ErrorKind::conflict,
                  .doing = "what stands where the agent's socket goes is no socket; move it away:",
                  .object = path});
    }
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return std::unexpected(errno_error(errno, "remove stale socket", path));
}

Result<UniqueFd> listen(const std::string& path) {
    const auto address = TRY(socket_address(path));
    TRY(make_folder(path));
    TRY(remove_leftover(path));
    auto listener = seqpacket_socket();
    if (!listener) return std::unexpected(errno_error(errno, "open a socket for", path));
    // The mode of an unbound socket becomes the file's (net/unix/af_unix.c, unix_bind_bsd): there
    // is no moment in which others could connect.
    if (::fchmod(listener.get(), kSocketMode) != 0 ||
        ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener.get(), kBacklog) != 0) {
        return std::unexpected(errno_error(errno, "listen at", path));
    }
    return listener;
}

Result<UniqueFd> accept(int listener) {
    UniqueFd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection) return std::unexpected(errno_error(errno, "accept a connection"));
    ucred peer = {};
    socklen_t size = sizeof peer;
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return std::unexpected(errno_error(errno, "ask who connected"));
    }
    if (peer.uid != 0) {
        return std::unexpected(
            Error{.kind = ErrorKind::permission,
                  .doing = "refuse a connection of user " + std::to_string(peer.uid)});
    }
    return connection;
}

Result<Received> receive(int connection) {
    Received message = {.text = std::string(kMaxMessage, '\0')};
    const auto received = receive_with(connection, message.text, message.descriptor);
    if (received < 0) return std::unexpected(errno_error(errno, "receive a request"));
    if (static_cast<std::size_t>(received) > message.text.size()) {
        return std::unexpected(invalid_input("a request is larger than 64 KiB"));
    }
    message.text.resize(static_cast<std::size_t>(received));
    return message;
}

Result<Request> request_of(Received message) {
    auto request = TRY(decode_request(message.text));
    if (message.descriptor) {
        request.netns = std::make_shared<const Netns>(
            TRY(Netns::adopt(std::move(message.descriptor), "of the request")));
    }
    return request;
}

Result<void> send(int connection, const std::string& message) {
    if (message.size() > kMaxMessage)
        return std::unexpected(invalid_input("a reply is larger than 64 KiB"));
    if (::send(connection, message.data(), message.size(), MSG_NOSIGNAL) < 0) {
        return std::unexpected(errno_error(errno, "send a reply"));
    }
    return {};
}

}  // namespace ambient::rpc
