// A packet or connection mark under a mask: `value` says the bits, `mask` which bits it speaks of.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ambient {

struct Mark {
    std::uint32_t value = 0;
    std::uint32_t mask = 0xffffffff;

    // A mark whose bits are its own mask, the usual form here: bits(0x200) is 0x200/0x200.
    static constexpr Mark bits(std::uint32_t bits) { return {.value = bits, .mask = bits}; }
    // "0x200/0xfff", "0x200" (full mask), decimal too. Value bits outside the mask are refused.
    static std::optional<Mark> parse(std::string_view text);

    // What a masked write makes of `old`; bits outside the mask survive.
    [[nodiscard]] constexpr std::uint32_t applied_to(std::uint32_t old) const {
        return (old & ~mask) | value;
    }
    [[nodiscard]] constexpr bool matches(std::uint32_t mark) const {
        return (mark & mask) == value;
    }

    constexpr auto operator<=>(const Mark&) const = default;
};

// "0x200/0x200", or "0x200" when the mask is full.
std::string to_string(const Mark& mark);

}  // namespace ambient
