// What the keeper counts, as plain values; report/metrics.cpp gives them names.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ambient::agent {

// Steps that repaired drift, by what they touched ("route", "filter", ...).
using DriftCounts = std::map<std::string, std::uint64_t>;

struct Tries {
    std::uint64_t success = 0;
    std::uint64_t failure = 0;

    void count(bool succeeded) { ++(succeeded ? success : failure); }
};

// What one ztunnel holds, as it was counted last; nothing when that was not possible.
struct LaneStats {
    unsigned lane = 0;
    std::string ztunnel;
    bool is_active = false;
    std::optional<std::uint64_t> connections = std::nullopt;
};

struct KeeperStats {
    Tries all;   // looks at everything
    Tries pods;  // looks at some pods only
    DriftCounts drift;
    std::uint64_t ztunnel_switches = 0;
    std::uint64_t lanes_cut_off = 0;
    std::vector<LaneStats> lanes;
    std::optional<std::chrono::system_clock::time_point> last_verified = std::nullopt;
    // Since when the kernel may differ from what is wanted; none while it is verified.
    std::optional<std::chrono::steady_clock::time_point> unverified_since = std::nullopt;
};

struct SidecarStats {
    std::size_t right = 0;     // pods that were seen to hold their rules at the last look
    std::size_t troubled = 0;  // pods of which that cannot be said
    DriftCounts drift;
    // Pods whose rules were put right, by what was found instead: "missing", "different".
    std::map<std::string, std::uint64_t> repairs;
};

}  // namespace ambient::agent
