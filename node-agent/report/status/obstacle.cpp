#include "node-agent/report/status/obstacle.hpp"

#include <algorithm>
#include <ranges>

namespace ambient::agent {

std::string obstacle_of(const PodView& pod, Hindered whom) {
    if (pod.shown == nullptr || pod.shown->terminating) return {};
    if (!pod.capture || pod.capture->captured) return {};
    return pod.capture->is_nodes == (whom == Hindered::node) ? pod.capture->obstacle : "";
}

std::optional<Obstacle::Time> Obstacle::stands(const std::string& why, Time now,
                                               std::chrono::milliseconds lasts) {
    std::erase_if(told_, [&](const auto& told) { return told.second + kEventLives < now; });
    if (why.empty()) {
        since_.reset();
        return std::nullopt;
    }
    if (!since_) since_ = now;
    return std::max(*since_ + lasts, when_to_tell(why, now));
}

Obstacle::Time Obstacle::when_to_tell(const std::string& why, Time now) const {
    if (const auto told = told_.find(why); told != told_.end()) return told->second + kTellAgain;
    if (told_.size() < kMaxEvents) return now;
    const auto oldest = *std::ranges::min_element(told_ | std::views::values);
    return oldest + kEventLives + std::chrono::seconds(1);
}

}  // namespace ambient::agent
