// One value under /proc/sys of a network namespace.
#pragma once

#include <compare>
#include <string>

namespace ambient::model {

// `path` is relative to /proc/sys: "net/ipv4/conf/istioin/rp_filter". `value` has no trailing
// newline.
struct Sysctl {
    std::string path;
    std::string value;

    auto operator<=>(const Sysctl&) const = default;
};

inline const std::string& key(const Sysctl& s) { return s.path; }

}  // namespace ambient::model
