#include "node-agent/loop/backoff.hpp"

#include <algorithm>
#include <cstdint>

namespace ambient::agent {

Backoff::Backoff(Bounds bounds, unsigned seed)
    : bounds_(bounds), limit_(bounds.first), random_(seed) {}

std::chrono::milliseconds Backoff::next() {
    const auto limit = limit_;
    limit_ = std::min(2 * limit_, bounds_.most);
    std::uniform_int_distribution<std::int64_t> spread(limit.count() / 2, limit.count());
    return std::chrono::milliseconds(spread(random_));
}

}  // namespace ambient::agent
