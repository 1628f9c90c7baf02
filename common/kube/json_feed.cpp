#include "common/kube/json_feed.hpp"

#include <cstdint>
#include <limits>
#include <string>

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

namespace ambient::kube {
namespace {

using boost::json::error_code;
using boost::json::string_view;

// managedFields, the deepest part of a pod, needs 17.
constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();

// What Boost's parser calls. Text comes in parts; only what the walk wants is put together.
struct Handler {
    // Boost's own bounds; ours is `max_text`.
    enum : std::size_t {
        max_object_size = kUnbounded,
        max_array_size = kUnbounded,
        max_key_size = kUnbounded,
        max_string_size = kUnbounded,
    };

    Walk& walk;
    std::size_t max_text;
    std::size_t held = 0;
    std::string text = {};
    bool too_large = false;

    bool add(string_view part, error_code& ec) {
        if (!walk.wants_text()) return true;
        held += part.size();
        too_large = held > max_text;
        if (too_large) {
            ec = boost::json::error::string_too_large;
            return false;
        }
        text.append(part.data(), part.size());
        return true;
    }
    bool take(string_view last_part, error_code& ec) {
        if (!add(last_part, ec)) return false;
        walk.scalar({}, text);
        text.clear();
        return true;
    }
    bool take(const std::string& value) {
        text.clear();  // the parts of a number
        walk.scalar({}, value);
        return true;
    }

    static bool on_document_begin(error_code&) { return true; }
    static bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) {
        walk.open({}, Shape::Kind::mapping);
        return true;
    }
    bool on_object_end(std::size_t, error_code&) {
        walk.close();
        return true;
    }
    bool on_array_begin(error_code&) {
        walk.open({}, Shape::Kind::sequence);
        return true;
    }
    bool on_array_end(std::size_t, error_code&) {
        walk.close();
        return true;
    }
    bool on_key_part(string_view part, std::size_t, error_code& ec) { return add(part, ec); }
    bool on_key(string_view part, std::size_t, error_code& ec) { return take(part, ec); }
    bool on_string_part(string_view part, std::size_t, error_code& ec) { return add(part, ec); }
    bool on_string(string_view part, std::size_t, error_code& ec) { return take(part, ec); }
    static bool on_number_part(string_view, error_code&) { return true; }
    bool on_int64(std::int64_t value, string_view, error_code&) {
        return take(walk.wants_text() ? fmt::to_string(value) : "");
    }
    bool on_uint64(std::uint64_t value, string_view, error_code&) {
        return take(walk.wants_text() ? fmt::to_string(value) : "");
    }
    bool on_double(double value, string_view, error_code&) {
        return take(walk.wants_text() ? fmt::to_string(value) : "");
    }
    bool on_bool(bool value, error_code&) { return take(value ? "true" : "false"); }
    bool on_null(error_code&) {
        walk.null({});
        return true;
    }
    static bool on_comment_part(string_view, error_code&) { return true; }
    static bool on_comment(string_view, error_code&) { return true; }
};

boost::json::parse_options options() {
    boost::json::parse_options all;
    all.max_depth = kMaxDepth;
    return all;
}

}  // namespace

struct JsonFeed::Parser {
    Parser(Walk& walk, std::size_t max_text)
        : json(options(), Handler{.walk = walk, .max_text = max_text}) {}

    boost::json::basic_parser<Handler> json;
};

JsonFeed::JsonFeed(Walk& walk, std::size_t max_text)
    : parser_(std::make_unique<Parser>(walk, max_text)) {}

JsonFeed::~JsonFeed() = default;

Result<std::size_t> JsonFeed::push(std::string_view bytes) {
    error_code code;
    const std::size_t taken = parser_->json.write_some(true, bytes.data(), bytes.size(), code);
    if (!code) return taken;
    const Handler& handler = parser_->json.handler();
    return std::unexpected(invalid_input(
        handler.too_large
            ? fmt::format("an object with more than {} bytes of text", handler.max_text)
            : "not valid JSON: " + code.message()));
}

bool JsonFeed::done() const { return parser_->json.done(); }

void JsonFeed::reset() {
    parser_->json.reset();
    forget_text();
}

void JsonFeed::forget_text() { parser_->json.handler().held = 0; }

}  // namespace ambient::kube
