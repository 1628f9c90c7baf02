// What the keeper counts, as plain values; report/metrics.cpp gives them names.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace ambient::agent {

// Steps that repaired drift, by what they touched ("route", "filter", ...).
using DriftCounts = std::map<std::string, std::uint64_t>;

struct Tries {
    std::uint64_t success = 0;
    std::uint64_t failure = 0;

    void count(bool succeeded) { ++(succeeded ? success : failure); }
};

struct KeeperStats {
    Tries all;   // looks at everything
    Tries pods;  // looks at some pods only
    DriftCounts drift;
    std::uint64_t ztunnel_switches = 0;
    std::optional<std::chrono::system_clock::time_point> last_verified = std::nullopt;
    // Since when the kernel may differ from what is wanted; none while it is verified.
    std::optional<std::chrono::steady_clock::time_point> unverified_since = std::nullopt;
};

}  // namespace ambient::agent
