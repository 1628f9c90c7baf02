// How long something took, counted in buckets. A plain value.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace ambient::agent {

struct Histogram {
    // From what one netlink round trip takes up to what a container runtime waits for.
    static constexpr std::array<double, 13> kUpperBounds = {
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

    void observe(std::chrono::duration<double> duration) {
        const auto bound = std::ranges::lower_bound(kUpperBounds, duration.count());
        ++counts[static_cast<std::size_t>(bound - kUpperBounds.begin())];
        sum += duration.count();
    }

    // Of each bucket alone; the last is above every bound.
    std::array<std::uint64_t, kUpperBounds.size() + 1> counts = {};
    double sum = 0;  // seconds

    bool operator==(const Histogram&) const = default;
};

}  // namespace ambient::agent
