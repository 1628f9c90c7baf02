#include "common/net/mark.hpp"

#include <fmt/format.h>

#include "common/base/parse.hpp"

namespace ambient {

std::optional<Mark> Mark::parse(std::string_view text) {
    const auto number = [](std::string_view part) {
        return parse_integer<std::uint32_t>(part, 0, 0xffffffff, 0);
    };
    const auto slash = text.find('/');
    const auto value = number(text.substr(0, slash));
    const auto mask = slash == std::string_view::npos ? std::optional(0xffffffffU)
                                                      : number(text.substr(slash + 1));
    if (!value || !mask || (*value & ~*mask) != 0) return std::nullopt;
    return Mark{.value = *value, .mask = *mask};
}

std::string to_string(const Mark& mark) {
    if (mark.mask == 0xffffffff) return fmt::format("{:#x}", mark.value);
    return fmt::format("{:#x}/{:#x}", mark.value, mark.mask);
}

}  // namespace ambient
