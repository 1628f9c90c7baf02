// Which obstacles to capturing a pod are worth an Event: those that last, and again as long as they
// stand. Pure.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/kube/objects.hpp"
#include "node-agent/pods/pod_captures.hpp"
#include "node-agent/report/status/requests.hpp"

namespace ambient::agent {

// While a pod starts, its address is known before its route is; that passes by itself.
inline constexpr std::chrono::seconds kObstacleLasts{10};
// An obstacle whose words change all the time is told no more than this often.
inline constexpr std::size_t kMaxEventsOfPod = 5;

// An Event lives for an hour (kube-apiserver's --event-ttl): it is made again so long after it was
// made or seen to be there.
inline constexpr std::chrono::minutes kTellAgain{15};

class Obstacles {
  public:
    using Time = std::chrono::steady_clock::time_point;

    struct Due {
        PodRef pod;
        std::string why;

        bool operator==(const Due&) const = default;
    };

    // What is to be told now.
    std::vector<Due> due(const std::vector<const kube::Pod*>& shown, const PodCaptures& captures,
                         Time now);
    // It was told, is told still, or cannot be.
    void told(const Due& due, Time now);
    // When to ask again although nothing changed.
    [[nodiscard]] std::optional<Time> next() const { return next_; }

  private:
    struct Case {
        std::optional<Time> since = std::nullopt;  // none: captured now
        std::map<std::string, Time> told = {};     // and when last
    };

    std::map<PodRef, Case> cases_;
    std::optional<Time> next_;
};

}  // namespace ambient::agent
