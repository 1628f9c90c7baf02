#include "node-agent/serve/add_clock.hpp"

#include <numeric>

#include <doctest/doctest.h>

using namespace ambient;
using namespace std::chrono_literals;
using agent::AddClock;
using agent::Histogram;

namespace {

const cni::Attachment kAttachment = {.container_id = "c1", .ifname = "eth0"};

std::uint64_t count(const Histogram& histogram) {
    return std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::uint64_t{0});
}

}  // namespace

TEST_CASE("an ADD is the sum of its steps") {
    AddClock clock;
    const AddClock::Time start;
    clock.asked(kAttachment, start);
    clock.shown(kAttachment, start + 100ms);
    clock.answered(kAttachment, true, start + 110ms);
    clock.programmed(kAttachment, start + 150ms);
    clock.verified(kAttachment, start + 155ms);
    const auto& times = clock.times();
    CHECK(times.wait.sum == doctest::Approx(0.100));
    CHECK(times.decide.sum == doctest::Approx(0.010));
    CHECK(times.program.sum == doctest::Approx(0.040));
    CHECK(times.verify.sum == doctest::Approx(0.005));
    CHECK(times.total.sum == doctest::Approx(0.155));
    clock.verified(kAttachment, start + 1s);  // told once more
    CHECK(count(times.total) == 1);
}

TEST_CASE("an ADD of a pod that is not enrolled ends with the answer") {
    AddClock clock;
    clock.asked(kAttachment, {});
    clock.answered(kAttachment, false, AddClock::Time(3ms));
    CHECK(clock.times().total.sum == doctest::Approx(0.003));
    CHECK(count(clock.times().wait) == 0);
    CHECK(count(clock.times().program) == 0);
}

TEST_CASE("an ADD that fails, or that another agent answered, is not counted as a whole") {
    AddClock clock;
    clock.asked(kAttachment, {});
    clock.dropped(kAttachment);
    clock.programmed(kAttachment, AddClock::Time(1s));
    clock.verified(kAttachment, AddClock::Time(1s));
    CHECK(count(clock.times().total) == 0);
    CHECK(count(clock.times().program) == 0);
}
