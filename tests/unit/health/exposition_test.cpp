#include "node-agent/report/health/exposition.hpp"

#include <chrono>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

TEST_CASE("counters and gauges with and without labels") {
    const auto text = Exposition()
                          .counter("ambient_x_total", "What x is.")
                          .value(3, {{"kind", "a \"b\"\\\n"}})
                          .value(1e15 + 1)
                          .gauge("ambient_y", "What y is.")
                          .value(0.5)
                          .text();
    CHECK(text ==
          "# HELP ambient_x_total What x is.\n# TYPE ambient_x_total counter\n"
          "ambient_x_total{kind=\"a \\\"b\\\"\\\\\\n\"} 3\nambient_x_total 1000000000000001\n"
          "# HELP ambient_y What y is.\n# TYPE ambient_y gauge\nambient_y 0.5\n");
}

TEST_CASE("a histogram counts upwards; a bound belongs to its bucket") {
    using std::chrono::microseconds;
    Histogram histogram;
    for (const int duration : {200, 1'000, 1'001, 20'000'000})
        histogram.observe(microseconds(duration));
    const auto text = Exposition()
                          .histogram("ambient_h_seconds", "How long.")
                          .value(histogram, {{"step", "total"}})
                          .text();
    const auto has = [&](const std::string& line) {
        return text.find(line + "\n") != std::string::npos;
    };
    CAPTURE(text);
    CHECK(has("# TYPE ambient_h_seconds histogram"));
    CHECK(has("ambient_h_seconds_bucket{step=\"total\",le=\"0.001\"} 2"));
    CHECK(has("ambient_h_seconds_bucket{step=\"total\",le=\"0.0025\"} 3"));
    CHECK(has("ambient_h_seconds_bucket{step=\"total\",le=\"10\"} 3"));
    CHECK(has("ambient_h_seconds_bucket{step=\"total\",le=\"+Inf\"} 4"));
    CHECK(has("ambient_h_seconds_count{step=\"total\"} 4"));
    CHECK(histogram.sum == doctest::Approx(20.002201));
}

}  // namespace
}  // namespace ambient::agent
