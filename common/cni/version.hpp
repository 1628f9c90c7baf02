// The versions of the CNI specification that we speak.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ambient::cni {

// In order: v0_4_0 brought CHECK, v1_0_0 dropped "version" from the addresses of a result, v1_1_0
// brought GC, STATUS.
enum class Version : std::uint8_t { v0_3_0, v0_3_1, v0_4_0, v1_0_0, v1_1_0 };

inline constexpr std::array kVersions = {Version::v0_3_0, Version::v0_3_1, Version::v0_4_0,
                                         Version::v1_0_0, Version::v1_1_0};
inline constexpr Version kLatestVersion = kVersions.back();

std::string_view to_string(Version version);
// Nothing when it is not one of ours.
std::optional<Version> parse_version(std::string_view text);

}  // namespace ambient::cni
