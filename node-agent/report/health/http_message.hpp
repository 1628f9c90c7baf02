// The little of HTTP/1.1 that probes and Prometheus speak: a request's head in, a reply out. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ambient::agent {

struct HttpReply {
    int status = 200;
    std::string body = {};
    std::string content_type = "text/plain; charset=utf-8";

    bool operator==(const HttpReply&) const = default;
};

// What is at a path, its query left away; nothing when there is no such page.
using HttpPages = std::function<std::optional<HttpReply>(std::string_view path)>;

// The whole answer to a request's head, which ends with its empty line; every answer ends the
// connection.
std::string http_answer(std::string_view head, const HttpPages& pages);
// The whole answer to what is no such head.
std::string http_refusal(int status);

}  // namespace ambient::agent
