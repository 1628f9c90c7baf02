// How many requests may be made: a token bucket. Pure.
#pragma once

#include <algorithm>
#include <chrono>

namespace ambient::agent {

// `burst` at once, and from then on one in each `period`.
class Budget {
  public:
    using Clock = std::chrono::steady_clock;
    struct Rate {
        int burst;
        Clock::duration period;
    };

    explicit Budget(Rate rate) : rate_(rate) {}

    // Spends one: when it may be made, now or later.
    Clock::time_point spend(Clock::time_point now) {
        const auto when = std::max(next_, now);
        // What was not spent adds up, to `burst` (the generic cell rate algorithm).
        const auto full = now - (rate_.burst - 1) * rate_.period;
        next_ = std::max(next_, full) + rate_.period;
        return when;
    }

  private:
    Rate rate_;
    Clock::time_point next_ = {};
};

}  // namespace ambient::agent
