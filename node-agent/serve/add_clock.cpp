#include "node-agent/serve/add_clock.hpp"

#include <utility>

namespace ambient::agent {

void AddClock::asked(const cni::Attachment& attachment, Time now) {
    under_way_[attachment] = {.began = now, .last = now};
}

void AddClock::shown(const cni::Attachment& attachment, Time now) {
    step(attachment, times_.wait, now);
}

void AddClock::answered(const cni::Attachment& attachment, bool enrolled, Time now) {
    step(attachment, times_.decide, now);
    if (!enrolled) end(attachment, now);
}

void AddClock::programmed(const cni::Attachment& attachment, Time now) {
    step(attachment, times_.program, now);
}

void AddClock::verified(const cni::Attachment& attachment, Time now) {
    step(attachment, times_.verify, now);
    end(attachment, now);
}

// An ADD that began before this agent did is not known.
void AddClock::step(const cni::Attachment& attachment, Histogram& histogram, Time now) {
    const auto add = under_way_.find(attachment);
    if (add == under_way_.end()) return;
    histogram.observe(now - std::exchange(add->second.last, now));
}

void AddClock::end(const cni::Attachment& attachment, Time now) {
    const auto add = under_way_.find(attachment);
    if (add == under_way_.end()) return;
    times_.total.observe(now - add->second.began);
    under_way_.erase(add);
}

}  // namespace ambient::agent
