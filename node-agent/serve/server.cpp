#include "node-agent/serve/server.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "common/rpc/codec.hpp"
#include "common/rpc/listener.hpp"
#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

constexpr std::chrono::seconds kRequestDeadline{5};

}  // namespace

// Lives as long as a handler of it waits.
struct Server::Connection {
    Connection(asio::io_context& io, UniqueFd fd, std::shared_ptr<int> open)
        : socket(io, fd.release()), deadline(io), count(std::move(open)) {
        ++*count;
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { --*count; }

    asio::posix::stream_descriptor socket;
    asio::steady_timer deadline;
    std::shared_ptr<int> count;
    std::optional<rpc::Request> last = std::nullopt;
};

Server::Server(asio::io_context& io, Answer answer, Ended ended)
    : io_(io), answer_(std::move(answer)), ended_(std::move(ended)) {}

Result<void> Server::serve(UniqueFd socket) {
    if (*connections_ >= kMaxConnections) {
        return std::unexpected(Error{.kind = ErrorKind::unavailable,
                                     .doing = "serve more than " + std::to_string(kMaxConnections) +
                                              " connections of the plugin at once"});
    }
    await_request(std::make_shared<Connection>(io_, std::move(socket), connections_));
    return {};
}

void Server::await_request(const std::shared_ptr<Connection>& connection) {
    connection->deadline.expires_after(kRequestDeadline);
    connection->deadline.async_wait([connection](const asio::error_code& code) {
        if (!code) connection->socket.cancel();
    });
    connection->socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [this, connection](const asio::error_code& code) {
                                      connection->deadline.cancel();
                                      code ? end(connection) : answer_next(connection);
                                  });
}

void Server::answer_next(const std::shared_ptr<Connection>& connection) {
    const int fd = connection->socket.native_handle();
    const auto text = rpc::receive(fd);
    if (text && text->empty()) return end(connection);  // the peer has closed
    const auto respond = [this, connection](const rpc::Reply& reply) {
        const auto sent = rpc::send(connection->socket.native_handle(), rpc::encode(reply));
        if (sent) return await_request(connection);
        log(LogLevel::warning, "reply not sent", sent.error());
        end(connection);
    };
    const auto request = text ? rpc::decode_request(*text) : std::unexpected(text.error());
    if (!request) return respond({.error = request.error()});
    connection->last = *request;
    answer_(*request, respond);
}

void Server::end(const std::shared_ptr<Connection>& connection) {
    if (connection->last) ended_(*connection->last);
}

}  // namespace ambient::agent
