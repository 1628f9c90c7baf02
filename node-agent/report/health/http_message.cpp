#include "node-agent/report/health/http_message.hpp"

#include <fmt/format.h>

namespace ambient::agent {
namespace {

std::string_view reason_of(int status) {
    switch (status) {
        case 200: return "OK";
        case 400: return "Bad Request";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 431: return "Request Header Fields Too Large";
        case 503: return "Service Unavailable";
        default: return "Internal Server Error";
    }
}

HttpReply plain(int status) {
    return {.status = status, .body = std::string(reason_of(status)) + "\n"};
}

// RFC 9110: a 405 lists what is allowed; the answer to HEAD has the headers of GET and no body.
std::string render(const HttpReply& reply, bool with_body = true) {
    return fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n{}",
        reply.status, reason_of(reply.status), reply.content_type, reply.body.size(),
        reply.status == 405 ? "Allow: GET, HEAD\r\n" : "", with_body ? reply.body : "");
}

struct RequestLine {
    std::string_view method;
    std::string_view path;
};

// "GET /metrics?name=x HTTP/1.1"
std::optional<RequestLine> parse(std::string_view head) {
    const auto line = head.substr(0, head.find("\r\n"));
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == 0 || first == last) return std::nullopt;
    const auto target = line.substr(first + 1, last - first - 1);
    if (!line.substr(last + 1).starts_with("HTTP/1.")) return std::nullopt;
    if (!target.starts_with('/') || target.find(' ') != std::string_view::npos) return std::nullopt;
    return RequestLine{.method = line.substr(0, first), .path = target.substr(0, target.find('?'))};
}

}  // namespace

std::string http_answer(std::string_view head, const HttpPages& pages) {
    const auto request = parse(head);
    if (!request) return http_refusal(400);
    const bool is_head = request->method == "HEAD";
    if (!is_head && request->method != "GET") return http_refusal(405);
    return render(pages(request->path).value_or(plain(404)), !is_head);
}

std::string http_refusal(int status) { return render(plain(status)); }

}  // namespace ambient::agent
