#include "node-agent/loop/backoff.hpp"

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

using std::chrono::milliseconds;

TEST_CASE(
    "grows twofold to its bound, random within half of it, and begins again after a success") {
    bool varies = false;
    for (unsigned seed = 0; seed < 50; ++seed) {
        Backoff backoff({.first = milliseconds(100), .most = milliseconds(1000)}, seed);
        for (const int limit : {100, 200, 400, 800, 1000, 1000}) {
            const auto delay = backoff.next();
            CHECK(delay >= milliseconds(limit / 2));
            CHECK(delay <= milliseconds(limit));
            varies = varies || delay.count() % 50 != 0;
        }
        backoff.reset();
        CHECK(backoff.next() <= milliseconds(100));
    }
    CHECK(varies);
}

}  // namespace
}  // namespace ambient::agent
