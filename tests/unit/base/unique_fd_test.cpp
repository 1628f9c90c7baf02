#include "common/base/unique_fd.hpp"

#include <fcntl.h>

#include <utility>

#include <doctest/doctest.h>

namespace ambient {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

UniqueFd open_something() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST_CASE("closes what it owns, once") {
    int raw = -1;
    {
        const auto fd = open_something();
        raw = fd.get();
        REQUIRE(is_open(raw));
    }
    CHECK_FALSE(is_open(raw));
}

TEST_CASE("moving hands the descriptor over") {
    auto first = open_something();
    const int raw = first.get();
    UniqueFd second(std::move(first));
    CHECK_EQ(second.get(), raw);
    CHECK_FALSE(
        static_cast<bool>(first));  // NOLINT(bugprone-use-after-move): what it leaves is the point

    auto third = open_something();
    const int replaced = third.get();
    third = std::move(second);
    CHECK_EQ(third.get(), raw);
    second = UniqueFd();
    CHECK_FALSE(is_open(replaced));
    CHECK(is_open(raw));
}

TEST_CASE("release gives up ownership") {
    int raw = -1;
    {
        auto fd = open_something();
        raw = fd.release();
        CHECK_FALSE(static_cast<bool>(fd));
    }
    CHECK(is_open(raw));
    const UniqueFd owner(raw);
    CHECK(static_cast<bool>(owner));
}

}  // namespace
}  // namespace ambient
