#include "common/cni/json_scan.hpp"

#include "common/cni/json.hpp"

namespace ambient::cni {
namespace {

// RFC 8259, section 2.
constexpr std::string_view kWhite = " \t\r\n";

std::size_t skip_white(std::string_view text, std::size_t at) {
    return std::min(text.find_first_not_of(kWhite, at), text.size());
}

std::size_t end_of_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\') ++at;
    }
    return at + 1;
}

// One past the value that begins at `at`.
std::size_t end_of_value(std::string_view text, std::size_t at) {
    int depth = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '"') {
            at = end_of_string(text, at);
        } else if (c == '{' || c == '[') {
            ++depth;
            ++at;
        } else if (c == '}' || c == ']') {
            --depth;
            ++at;
        } else if (depth == 0) {  // a number, true, false or null
            return std::min(text.find_first_of(" \t\r\n,]}", at), text.size());
        } else {
            ++at;
        }
        if (depth == 0) return at;
    }
    return at;
}

}  // namespace

Span scan_document(std::string_view text) {
    const auto begin = skip_white(text, 0);
    return {begin, end_of_value(text, begin)};
}

std::vector<Member> scan_object(std::string_view text, Span object) {
    std::vector<Member> members;
    for (auto at = skip_white(text, object.begin + 1); at + 1 < object.end;) {
        const auto key_end = end_of_string(text, at);
        // Decoded: "plugins" may be written with escapes.
        auto key = Json::parse(text.substr(at, key_end - at)).get<std::string>();
        const auto begin = skip_white(text, skip_white(text, key_end) + 1);  // behind the colon
        const auto end = end_of_value(text, begin);
        members.push_back({.key = std::move(key), .value = {begin, end}});
        at = skip_white(text, skip_white(text, end) + 1);  // behind the comma
    }
    return members;
}

std::vector<Span> scan_list(std::string_view text, Span list) {
    std::vector<Span> values;
    for (auto at = skip_white(text, list.begin + 1); at + 1 < list.end;) {
        const auto end = end_of_value(text, at);
        values.push_back({at, end});
        at = skip_white(text, skip_white(text, end) + 1);
    }
    return values;
}

}  // namespace ambient::cni
