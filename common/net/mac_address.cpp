#include "common/net/mac_address.hpp"

#include <charconv>

#include <fmt/format.h>

namespace ambient {

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    MacAddress address;
    for (std::size_t i = 0; i < address.bytes.size(); ++i) {
        const auto* group = text.data() + i * 3;
        const auto [stop, code] = std::from_chars(group, group + 2, address.bytes[i], 16);
        if (code != std::errc{} || stop != group + 2) return std::nullopt;
        if (i + 1 < address.bytes.size() && group[2] != ':') return std::nullopt;
    }
    return address;
}

std::string to_string(const MacAddress& address) {
    const auto& b = address.bytes;
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4],
                       b[5]);
}

}  // namespace ambient
