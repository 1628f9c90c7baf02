#include "node-agent/report/health/http_server.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/write.hpp>

namespace ambient::agent {
namespace {

using asio::ip::tcp;

// Without a descriptor to accept with, accepting fails at once, again and again.
constexpr std::chrono::milliseconds kPauseAfterError{200};

}  // namespace

// Lives as long as a handler of it waits.
class HttpServer::Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(tcp::socket socket, std::shared_ptr<const HttpPages> pages)
        : socket_(std::move(socket)), deadline_(socket_.get_executor()), pages_(std::move(pages)) {}

    void start(std::chrono::milliseconds deadline) {
        deadline_.expires_after(deadline);
        deadline_.async_wait([self = shared_from_this()](const asio::error_code& code) {
            if (!code) self->close();
        });
        read_head();
    }

    // Ends every handler.
    void close() {
        asio::error_code ignored;
        deadline_.cancel();
        socket_.close(ignored);
    }

  private:
    void read_head() {
        if (size_ == buffer_.size()) return answer(http_refusal(431));
        socket_.async_read_some(
            asio::buffer(buffer_) + size_,
            [self = shared_from_this()](const asio::error_code& code, std::size_t count) {
                if (code) return self->close();
                self->size_ += count;
                const auto head = std::string_view(self->buffer_.data(), self->size_);
                if (head.find("\r\n\r\n") == std::string_view::npos) return self->read_head();
                self->answer(http_answer(head, *self->pages_));
            });
    }

    void answer(std::string text) {
        answer_ = std::move(text);
        asio::async_write(
            socket_, asio::buffer(answer_),
            [self = shared_from_this()](const asio::error_code& code, std::size_t /*count*/) {
                asio::error_code failed;
                if (!code) self->socket_.shutdown(tcp::socket::shutdown_send, failed);
                if (code || failed) return self->close();
                self->await_end();
            });
    }

    // Closing while the peer still sends would reset the connection, and with it the answer that
    // the peer has not read yet (RFC 9112, 9.6).
    void await_end() {
        socket_.async_read_some(
            asio::buffer(buffer_),
            [self = shared_from_this()](const asio::error_code& code, std::size_t /*count*/) {
                if (code) return self->close();
                self->await_end();
            });
    }

    tcp::socket socket_;
    asio::steady_timer deadline_;
    std::shared_ptr<const HttpPages> pages_;
    std::array<char, kMaxHttpHeadBytes> buffer_ = {};
    std::size_t size_ = 0;
    std::string answer_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::open(asio::io_context& io, const IpAddress& address,
                                                     std::uint16_t port, HttpPages pages,
                                                     HttpLimits limits) {
    asio::error_code code;
    const tcp::endpoint endpoint(asio::ip::make_address(to_string(address), code), port);
    tcp::acceptor acceptor(io);
    if (!code) acceptor.open(endpoint.protocol(), code);
    if (!code && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), code);
    // An agent that restarts finds connections of the one before in TIME_WAIT.
    if (!code) acceptor.set_option(tcp::acceptor::reuse_address(true), code);
    if (!code) acceptor.bind(endpoint, code);
    if (!code) acceptor.listen(tcp::acceptor::max_listen_connections, code);
    const auto bound = code ? tcp::endpoint() : acceptor.local_endpoint(code);
    if (code) {
        return std::unexpected(errno_error(
            code.value(), "serve health and metrics (health.address and health.port) on",
            to_string(address) + " port " + std::to_string(port)));
    }
    return std::unique_ptr<HttpServer>(
        new HttpServer(io, std::move(acceptor), bound.port(), std::move(pages), limits));
}

HttpServer::HttpServer(asio::io_context& io, tcp::acceptor acceptor, std::uint16_t port,
                       HttpPages pages, HttpLimits limits)
    : acceptor_(std::move(acceptor)),
      pause_(io),
      port_(port),
      pages_(std::make_shared<const HttpPages>(std::move(pages))),
      limits_(limits) {
    accept_next();
}

void HttpServer::accept_next() {
    acceptor_.async_accept([this](const asio::error_code& code, tcp::socket socket) {
        if (code == asio::error::operation_aborted) return;
        if (!code) {
            serve(std::move(socket));
            return accept_next();
        }
        pause_.expires_after(kPauseAfterError);
        pause_.async_wait([this](const asio::error_code& cancelled) {
            if (!cancelled) accept_next();
        });
    });
}

void HttpServer::serve(tcp::socket socket) {
    std::erase_if(connections_, [](const auto& connection) { return connection.expired(); });
    if (connections_.size() >= limits_.connections) {
        if (const auto oldest = connections_.front().lock()) oldest->close();
        connections_.erase(connections_.begin());
    }
    const auto connection = std::make_shared<Connection>(std::move(socket), pages_);
    connections_.push_back(connection);
    connection->start(limits_.deadline);
}

}  // namespace ambient::agent
