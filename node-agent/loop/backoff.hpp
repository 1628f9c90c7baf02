// How long to wait before the next try. Pure but for its randomness.
#pragma once

#include <chrono>
#include <random>

namespace ambient::agent {

// Grows twofold with each failure. Random within half of it, so that the nodes of a cluster do not
// all come back at once.
class Backoff {
  public:
    struct Bounds {
        std::chrono::milliseconds first{250};
        std::chrono::milliseconds most{30'000};
    };

    Backoff() : Backoff(Bounds{}) {}
    explicit Backoff(Bounds bounds, unsigned seed = std::random_device{}());

    // In [limit/2, limit], where limit is first, 2 first, 4 first, ... most.
    std::chrono::milliseconds next();
    // After a success.
    void reset() { limit_ = bounds_.first; }

  private:
    Bounds bounds_;
    std::chrono::milliseconds limit_;
    std::minstd_rand random_;
};

}  // namespace ambient::agent
