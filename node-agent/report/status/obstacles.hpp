// Which obstacles to capturing pods are worth an Event: those that last, and again as long as they
// stand; what hinders all pods of the node alike is the node's, and told once. Pure.
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
// Words that change all the time are told no more than this often within an Event's life.
inline constexpr std::size_t kMaxEvents = 5;

// An Event lives for an hour (kube-apiserver's --event-ttl): it is made again so long after it was
// made or seen to be there.
inline constexpr std::chrono::minutes kTellAgain{15};
inline constexpr std::chrono::hours kEventLives{1};

class Obstacles {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // Whose an obstacle is: a pod's; with none the node's.
    using Owner = std::optional<PodRef>;
    struct Due {
        Owner pod;
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
        std::optional<Time> since = std::nullopt;  // none: there is none now
        std::map<std::string, Time> told = {};     // and when last
    };

    static Time when_to_tell(const Case& entry, const std::string& why, Time now);

    std::map<Owner, Case> cases_;
    std::optional<Time> next_;
};

}  // namespace ambient::agent
