// HttpServer on real sockets, a loop of its own on another thread.
#include "node-agent/report/health/http_server.hpp"

#include <sys/socket.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <asio/connect.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

using asio::ip::tcp;

std::optional<HttpReply> pages(std::string_view path) {
    if (path != "/page") return std::nullopt;
    return HttpReply{.body = std::string(300'000, 'x')};  // more than a socket buffers
}

class Served {
  public:
    explicit Served(HttpLimits limits = {}, const char* address = "127.0.0.1")
        : server_(HttpServer::open(io_, *IpAddress::parse(address), 0, &pages, limits)),
          thread_([this] { io_.run(); }) {
        REQUIRE_MESSAGE(server_.has_value(), describe(server_.error()));
    }
    ~Served() {
        io_.stop();
        thread_.join();
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    [[nodiscard]] std::uint16_t port() const { return (*server_)->port(); }

  private:
    asio::io_context io_;
    Result<std::unique_ptr<HttpServer>> server_;
    std::thread thread_;
};

// A client that waits no longer than a test may.
class Client {
  public:
    Client(std::uint16_t port, const char* address = "127.0.0.1") : socket_(io_) {
        socket_.connect({asio::ip::make_address(address), port});
        const timeval patience = {.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }

    void say(const std::string& text) {
        asio::error_code closed;
        asio::write(socket_, asio::buffer(text), closed);
    }

    // All that the server says until it closes.
    std::string hear() {
        std::string text;
        asio::error_code code;
        asio::read(socket_, asio::dynamic_buffer(text), code);
        end = code;
        return text;
    }

    asio::error_code end;

  private:
    asio::io_context io_;
    tcp::socket socket_;
};

std::string get(std::uint16_t port, const char* address = "127.0.0.1") {
    Client client(port, address);
    client.say("GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
    return client.hear();
}

bool is_page(const std::string& answer) {
    return answer.starts_with("HTTP/1.1 200 OK\r\n") &&
           answer.ends_with("\r\n\r\n" + std::string(300'000, 'x'));
}

TEST_CASE("a request in any number of pieces") {
    const Served served;
    CHECK(is_page(get(served.port())));
    Client client(served.port());
    for (const char c : std::string("GET /page HTTP/1.1\r\nHost: x\r\n\r\n"))
        client.say({c});
    CHECK(is_page(client.hear()));
    CHECK(client.end == asio::error::eof);
}

TEST_CASE("the address :: is every address of both families") {
    const Served served({}, "::");
    CHECK(is_page(get(served.port())));
    CHECK(is_page(get(served.port(), "::1")));
}

TEST_CASE("a head without end is refused, and the refusal arrives") {
    const Served served;
    Client client(served.port());
    client.say("GET /page HTTP/1.1\r\nX: " + std::string(4 * kMaxHttpHeadBytes, 'x'));
    CHECK(client.hear().starts_with("HTTP/1.1 431 "));
    CHECK(is_page(get(served.port())));
}

TEST_CASE("who says nothing is let go") {
    const Served served({.deadline = std::chrono::milliseconds(200)});
    Client silent(served.port());
    CHECK(silent.hear().empty());
    CHECK(silent.end != asio::error::would_block);  // closed, not given up by us
}

TEST_CASE("with all connections taken the oldest makes room") {
    const Served served({.connections = 2, .deadline = std::chrono::seconds(60)});
    Client first(served.port());
    Client second(served.port());
    CHECK(is_page(get(served.port())));
    CHECK(first.hear().empty());
    CHECK(first.end != asio::error::would_block);
    second.say("GET /page HTTP/1.1\r\n\r\n");
    CHECK(is_page(second.hear()));
}

TEST_CASE("a port that is taken is an error with its name") {
    const Served served;
    asio::io_context io;
    const auto second = HttpServer::open(io, *IpAddress::parse("127.0.0.1"), served.port(), &pages);
    REQUIRE_FALSE(second.has_value());
    CHECK(describe(second.error()).find("127.0.0.1 port " + std::to_string(served.port())) !=
          std::string::npos);
}

}  // namespace
}  // namespace ambient::agent
