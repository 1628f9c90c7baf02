// What the agent counts, as plain values of whoever counts them; metrics.cpp gives them names.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/kubeapi/counters.hpp"
#include "node-agent/health/histogram.hpp"
#include "node-agent/health/process.hpp"

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

// Of an ADD, from the plugin's question on.
struct AddTimes {
    Histogram wait;     // for the source, when it had not shown the pod yet
    Histogram decide;   // until the plugin has its answer
    Histogram program;  // in the plugin, until it says that it is done
    Histogram verify;   // until the kernel was verified
    Histogram total;
};

struct StatusWrite {
    std::string_view what;    // "annotation", "event"
    std::string_view result;  // "success", "failure" (tried again), "refused"

    auto operator<=>(const StatusWrite&) const = default;
};
using StatusWrites = std::map<StatusWrite, std::uint64_t>;

struct PodCounts {
    std::size_t wanted = 0;
    std::size_t captured = 0;
};

// Everything, at one moment.
struct Stats {
    PodCounts pods;
    bool source_synced = false;
    KeeperStats keeper;
    AddTimes add;
    std::uint64_t ztunnel_claims_refused = 0;
    // Only where there is such a thing.
    std::optional<bool> installed = std::nullopt;
    std::map<std::string, std::uint64_t> install_writes;
    kubeapi::Counters api_requests;
    std::map<std::string, std::map<std::string, std::uint64_t>> watch_restarts;  // by resource, why
    StatusWrites status_writes;
    std::optional<ProcessStats> process = std::nullopt;
    std::chrono::steady_clock::time_point now;
};

}  // namespace ambient::agent
