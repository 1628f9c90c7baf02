// Ethernet addresses as values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ambient {

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};

    // "02:00:00:aa:bb:cc", exactly six two-digit groups.
    static std::optional<MacAddress> parse(std::string_view text);

    auto operator<=>(const MacAddress&) const = default;
};

std::string to_string(const MacAddress& address);

}  // namespace ambient
