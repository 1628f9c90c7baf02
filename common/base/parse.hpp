// Integers from text, with ranges: nothing from outside is converted any other way.
#pragma once

#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <string_view>

namespace ambient {

// The whole of `text` as a decimal number (with `base` 0: hexadecimal after 0x) in [min, max];
// nothing otherwise.
template <std::integral T>
std::optional<T> parse_integer(std::string_view text, T min = std::numeric_limits<T>::min(),
                               T max = std::numeric_limits<T>::max(), int base = 10) {
    if (base == 0) {
        const bool hex = text.starts_with("0x");
        if (hex) text.remove_prefix(2);
        base = hex ? 16 : 10;
    }
    T value{};
    const auto* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value, base);
    if (code != std::errc{} || stop != end || value < min || value > max) return std::nullopt;
    return value;
}

}  // namespace ambient
