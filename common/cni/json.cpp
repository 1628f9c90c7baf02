#include "common/cni/json.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ambient::cni {
namespace {

// Brackets outside strings; the parser proper judges the rest.
int depth_of(std::string_view text) {
    int depth = 0;
    int deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            deepest = std::max(deepest, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return deepest;
}

}  // namespace

Outcome<Json> parse_json(std::string_view text, std::string_view what) {
    const auto refuse = [&](std::string_view why, std::string details = {}) {
        return std::unexpected(Failure{.code = Code::decoding_failure,
                                       .message = fmt::format("{} {}", what, why),
                                       .details = std::move(details)});
    };
    if (text.empty()) return refuse("is empty");
    // nlohmann takes it for the end; the rest would be read by nobody.
    if (text.contains('\0')) return refuse("is not valid JSON", "a NUL byte stands in it");
    if (text.size() > kMaxJsonBytes) return refuse("is larger than 1 MiB");
    if (depth_of(text) > kMaxJsonDepth) return refuse("is nested too deeply");
    try {
        return Json::parse(text);
    } catch (const Json::exception& error) {
        return refuse("is not valid JSON", words_of(error));
    }
}

std::string words_of(const std::exception& error) {
    constexpr std::string_view kMark = "[json.exception.";
    std::string_view words = error.what();
    if (words.starts_with(kMark))
        words.remove_prefix(std::min(words.find(' '), words.size() - 1) + 1);
    return std::string(words);
}

std::string print_json(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ambient::cni
