// Short ways to write values in tests.
#pragma once

#include <string_view>

#include "common/model/netns_state.hpp"

namespace ambient::test {

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }
inline MacAddress mac(std::string_view text) { return MacAddress::parse(text).value(); }

// The protocol number of our routes and rules in these tests.
inline constexpr std::uint8_t kOurs = 122;

}  // namespace ambient::test
