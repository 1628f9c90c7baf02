// What the agent counts, gathered from the rooms that count; metrics.cpp gives it names.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/kubeapi/counters.hpp"
#include "node-agent/datapath/stats.hpp"
#include "node-agent/report/health/process.hpp"
#include "node-agent/serve/add_clock.hpp"

namespace ambient::agent {

struct StatusWrite {
    std::string_view what;    // "annotation", "event", "label", "deletion"
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
    SidecarStats sidecars;
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
