// Which obstacles to capturing pods are worth an Event: those that last, and again as long as they
// stand. Pure.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "node-agent/pods/pod_captures.hpp"

namespace ambient::agent {

// While a pod starts, its address is known before its route is; that passes by itself.
inline constexpr std::chrono::seconds kObstacleLasts{10};
// Words that change all the time are told no more than this often within an Event's life.
inline constexpr std::size_t kMaxEvents = 5;

// An Event lives for an hour (kube-apiserver's --event-ttl): it is made again so long after it was
// made or seen to be there.
inline constexpr std::chrono::minutes kTellAgain{15};
inline constexpr std::chrono::hours kEventLives{1};

// Whom an obstacle hinders: what hinders all pods of the node alike is the node's, and told once.
enum class Hindered : std::uint8_t { pod, node };

// Why the pod is not captured, if that is the obstacle's kind; empty when nothing hinders it, while
// why is not known, and for a pod on its way out.
std::string obstacle_of(const PodView& pod, Hindered whom);

// What hinders one pod, or the node.
class Obstacle {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // What it is now, if not empty, and when that is to be told: at once, later, or not at all.
    // It is worth telling when it has stood for so long.
    std::optional<Time> stands(const std::string& why, Time now,
                               std::chrono::milliseconds lasts = kObstacleLasts);
    // When what stands has lasted; none: nothing stands.
    [[nodiscard]] std::optional<Time> lasts_from(std::chrono::milliseconds lasts) const {
        return since_ ? std::optional(*since_ + lasts) : std::nullopt;
    }
    // It was told, is told still, or cannot be.
    void told(const std::string& why, Time now) { told_[why] = now; }
    // Nothing is to be remembered.
    [[nodiscard]] bool is_forgotten() const { return !since_ && told_.empty(); }

  private:
    [[nodiscard]] Time when_to_tell(const std::string& why, Time now) const;

    std::optional<Time> since_;         // none: nothing stands
    std::map<std::string, Time> told_;  // and when last
};

}  // namespace ambient::agent
