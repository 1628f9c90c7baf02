#include "node-agent/report/status/obstacles.hpp"

#include <algorithm>
#include <utility>

namespace ambient::agent {

std::vector<Obstacles::Due> Obstacles::due(const std::vector<const kube::Pod*>& shown,
                                           const PodCaptures& captures, Time now) {
    std::vector<Due> due;
    std::map<PodRef, Case> cases;
    next_.reset();
    for (const auto* pod : shown) {
        auto ref = ref_of(*pod);
        const auto capture = captures.find(ref.id);
        const bool hindered = capture != captures.end() && !capture->second.captured &&
                              !capture->second.obstacle.empty() && !pod->terminating;
        const auto known = cases_.find(ref);
        if (!hindered) {
            if (known != cases_.end() && !known->second.told.empty())
                cases[ref].told = std::move(known->second.told);
            continue;
        }
        auto& entry = cases[ref];
        if (known != cases_.end()) entry = std::move(known->second);
        if (!entry.since) entry.since = now;
        const auto& why = capture->second.obstacle;
        const auto told = entry.told.find(why);
        const bool is_new = told == entry.told.end();
        if (is_new && entry.told.size() >= kMaxEventsOfPod) continue;
        const auto when =
            std::max(*entry.since + kObstacleLasts, is_new ? now : told->second + kTellAgain);
        if (when <= now) {
            due.push_back({.pod = std::move(ref), .why = why});
        } else {
            next_ = next_ ? std::min(*next_, when) : when;
        }
    }
    cases_ = std::move(cases);
    return due;
}

void Obstacles::told(const Due& due, Time now) {
    if (const auto found = cases_.find(due.pod); found != cases_.end())
        found->second.told[due.why] = now;
}

}  // namespace ambient::agent
