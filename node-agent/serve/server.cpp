#include "node-agent/serve/server.hpp"

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
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
    bool watched = false;  // a handler waits until it is readable
    std::optional<rpc::Request> last = std::nullopt;
};

Server::Server(asio::io_context& io, Answer answer, Ended ended)
    : io_(io), answer_(std::move(answer)), ended_(std::move(ended)) {}

void Server::serve(UniqueFd socket) {
    await_request(std::make_shared<Connection>(io_, std::move(socket), connections_));
}

void Server::await_request(const std::shared_ptr<Connection>& connection) {
    awaited_.insert(connection);
    connection->deadline.expires_after(kRequestDeadline);
    connection->deadline.async_wait([this, connection](const asio::error_code& code) {
        // One that had run out when the next wait began is queued all the same.
        if (!code && connection->deadline.expiry() <= std::chrono::steady_clock::now() &&
            awaited_.contains(connection))
            end(connection);
    });
    watch(connection);
}

void Server::watch(const std::shared_ptr<Connection>& connection) {
    if (std::exchange(connection->watched, true)) return;
    connection->socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [this, connection](const asio::error_code& code) {
                                      connection->watched = false;
                                      // Read in the meantime, and being answered, or at its end.
                                      if (code || !awaited_.contains(connection)) return;
                                      read(connection);
                                  });
}

void Server::read_waiting() {
    const auto awaited = awaited_;
    for (const auto& connection : awaited)
        read(connection);
}

void Server::read(const std::shared_ptr<Connection>& connection) {
    auto received = rpc::receive(connection->socket.native_handle());
    if (!received && received.error().errno_value == EAGAIN) return watch(connection);
    if (received && received->text.empty()) return end(connection);  // the peer has closed
    awaited_.erase(connection);
    connection->deadline.cancel();
    const auto respond = [this, connection](const rpc::Reply& reply) {
        const auto sent = rpc::send(connection->socket.native_handle(), rpc::encode(reply));
        if (sent) return await_request(connection);
        log(LogLevel::warning, "reply not sent", sent.error());
        end(connection);
    };
    const auto request = received ? rpc::request_of(*std::move(received))
                                  : std::unexpected(std::move(received).error());
    if (!request) return respond({.error = request.error()});
    connection->last = *request;
    answer_(*request, respond);
}

void Server::end(const std::shared_ptr<Connection>& connection) {
    awaited_.erase(connection);
    connection->deadline.cancel();
    asio::error_code ignored;
    connection->socket.close(ignored);  // ends the watch
    if (connection->last) ended_(*connection->last);
}

}  // namespace ambient::agent
