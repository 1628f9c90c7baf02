// Truth values as Go's strconv.ParseBool takes them: what Istio reads its settings with.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace ambient::desired {

constexpr std::optional<bool> parse_boolean(std::string_view text) {
    constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
    constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
    if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
    if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
    return std::nullopt;
}

}  // namespace ambient::desired
