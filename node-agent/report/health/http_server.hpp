// Serves a few pages over HTTP on the agent's loop: one request a connection, in bounded memory and
// time, so that nobody who can reach the port can harm the loop. When all connections are taken,
// the oldest makes room: a probe gets through whoever else holds connections open.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include "common/base/error.hpp"
#include "common/net/ip_address.hpp"
#include "node-agent/report/health/http_message.hpp"

namespace ambient::agent {

inline constexpr std::size_t kMaxHttpHeadBytes = 8 * 1024;

struct HttpLimits {
    std::size_t connections = 64;
    std::chrono::milliseconds deadline{5'000};  // of a connection, from its first moment
};

class HttpServer {
  public:
    // Serves from now on as long as the loop runs. Address "::" is every address of both families;
    // port 0 any free one. Errors: the port cannot be had.
    static Result<std::unique_ptr<HttpServer>> open(asio::io_context& io, const IpAddress& address,
                                                    std::uint16_t port, HttpPages pages,
                                                    HttpLimits limits = {});

    // Where it listens.
    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    class Connection;

    HttpServer(asio::io_context& io, asio::ip::tcp::acceptor acceptor, std::uint16_t port,
               HttpPages pages, HttpLimits limits);
    void accept_next();
    void serve(asio::ip::tcp::socket socket);

    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    std::uint16_t port_;
    std::shared_ptr<const HttpPages> pages_;  // theirs, too: connections end with the loop
    HttpLimits limits_;
    std::vector<std::weak_ptr<Connection>> connections_;  // the oldest first
};

}  // namespace ambient::agent
