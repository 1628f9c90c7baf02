#include "node-agent/report/health/http_message.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

std::optional<HttpReply> pages(std::string_view path) {
    if (path == "/healthz") return HttpReply{.body = "ok\n"};
    if (path == "/readyz") return HttpReply{.status = 503, .body = "no\n"};
    return std::nullopt;
}

std::string answer(const std::string& line) {
    return http_answer(line + "\r\nHost: node\r\n\r\n", &pages);
}

std::string status_of(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }

TEST_CASE("a page, with everything that a client needs to read it") {
    CHECK(answer("GET /healthz HTTP/1.1") ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n"
          "Connection: close\r\n\r\nok\n");
    CHECK(answer("GET /healthz HTTP/1.0") == answer("GET /healthz HTTP/1.1"));
    CHECK(answer("GET /healthz?verbose=1 HTTP/1.1") == answer("GET /healthz HTTP/1.1"));
    CHECK(status_of(answer("GET /readyz HTTP/1.1")) == "HTTP/1.1 503 Service Unavailable");
}

TEST_CASE("HEAD has the headers of GET, and no body") {
    const auto got = answer("GET /healthz HTTP/1.1");
    CHECK(answer("HEAD /healthz HTTP/1.1") == got.substr(0, got.size() - 3));
}

TEST_CASE("what is not served is said so") {
    CHECK(status_of(answer("GET / HTTP/1.1")) == "HTTP/1.1 404 Not Found");
    CHECK(status_of(answer("GET /healthz/ HTTP/1.1")) == "HTTP/1.1 404 Not Found");
    const auto post = answer("POST /healthz HTTP/1.1");
    CHECK(status_of(post) == "HTTP/1.1 405 Method Not Allowed");
    CHECK(post.find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
}

TEST_CASE("what is no HTTP request") {
    for (const std::string line :
         {"", " ", "GET", "GET /healthz", "GET  HTTP/1.1", " /healthz HTTP/1.1",
          "GET healthz HTTP/1.1", "GET /a b HTTP/1.1", "GET /healthz HTTP/2", "\x16\x03\x01"}) {
        CAPTURE(line);
        CHECK(status_of(answer(line)) == "HTTP/1.1 400 Bad Request");
    }
}

}  // namespace
}  // namespace ambient::agent
