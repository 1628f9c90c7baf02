#include "common/cni/version.hpp"

#include <algorithm>

namespace ambient::cni {

std::string_view to_string(Version version) {
    switch (version) {
        case Version::v0_3_0: return "0.3.0";
        case Version::v0_3_1: return "0.3.1";
        case Version::v0_4_0: return "0.4.0";
        case Version::v1_0_0: return "1.0.0";
        case Version::v1_1_0: return "1.1.0";
    }
    return "unknown";
}

std::optional<Version> parse_version(std::string_view text) {
    const auto* found = std::ranges::find_if(
        kVersions, [&](Version version) { return to_string(version) == text; });
    return found == kVersions.end() ? std::nullopt : std::optional(*found);
}

}  // namespace ambient::cni
