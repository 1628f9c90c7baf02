#include "node-agent/report/health/process.hpp"

#include <fcntl.h>

#include <doctest/doctest.h>

#include "common/base/unique_fd.hpp"

namespace ambient::agent {
namespace {

TEST_CASE("what a process uses grows when it uses more") {
    const auto before = read_process();
    REQUIRE(before.has_value());
    CHECK(before->resident_bytes > 100'000);
    CHECK(before->cpu_seconds >= 0);
    const UniqueFd one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto after = read_process();
    REQUIRE(after.has_value());
    CHECK(after->open_fds == before->open_fds + 1);
    CHECK(after->cpu_seconds >= before->cpu_seconds);
}

}  // namespace
}  // namespace ambient::agent
