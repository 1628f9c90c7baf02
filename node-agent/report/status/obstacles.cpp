#include "node-agent/report/status/obstacles.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace ambient::agent {

std::vector<Obstacles::Due> Obstacles::due(const std::vector<const kube::Pod*>& shown,
                                           const PodCaptures& captures, Time now) {
    std::map<Owner, const std::string*> standing;  // null: nothing hinders it
    standing.emplace();
    for (const auto* pod : shown) {
        const auto& mine = standing.try_emplace(ref_of(*pod), nullptr).first;
        const auto capture = captures.find(mine->first->id);
        if (capture == captures.end() || capture->second.captured || pod->terminating) continue;
        const auto& [captured, obstacle, is_nodes] = capture->second;
        if (!obstacle.empty()) (is_nodes ? standing.begin() : mine)->second = &obstacle;
    }
    std::vector<Due> due;
    std::map<Owner, Case> cases;
    next_.reset();
    for (const auto& [owner, why] : standing) {
        Case entry;
        if (const auto known = cases_.find(owner); known != cases_.end())
            entry = std::move(known->second);
        std::erase_if(entry.told,
                      [&](const auto& told) { return told.second + kEventLives < now; });
        if (why == nullptr) {
            entry.since.reset();
            if (!entry.told.empty()) cases.emplace(owner, std::move(entry));
            continue;
        }
        if (!entry.since) entry.since = now;
        const auto when = when_to_tell(entry, *why, now);
        if (when <= now) {
            due.push_back({.pod = owner, .why = *why});
        } else {
            next_ = next_ ? std::min(*next_, when) : when;
        }
        cases.emplace(owner, std::move(entry));
    }
    cases_ = std::move(cases);
    return due;
}

Obstacles::Time Obstacles::when_to_tell(const Case& entry, const std::string& why, Time now) {
    const auto lasts = *entry.since + kObstacleLasts;
    if (const auto told = entry.told.find(why); told != entry.told.end())
        return std::max(lasts, told->second + kTellAgain);
    if (entry.told.size() < kMaxEvents) return std::max(lasts, now);
    const auto oldest = *std::ranges::min_element(entry.told | std::views::values);
    return std::max(lasts, oldest + kEventLives + std::chrono::seconds(1));
}

void Obstacles::told(const Due& due, Time now) {
    if (const auto found = cases_.find(due.pod); found != cases_.end())
        found->second.told[due.why] = now;
}

}  // namespace ambient::agent
