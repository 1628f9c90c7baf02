#include "node-agent/install/install_lock.hpp"

#include <sys/stat.h>

#include <optional>
#include <thread>

#include <doctest/doctest.h>

#include "tests/unit/install/node_folder.hpp"

namespace ambient::agent {
namespace {

using Busy = InstallLock::Busy;

TEST_CASE_FIXTURE(NodeFolder, "one at a time, and nobody else can hold it") {
    const auto state = path / "var/state";
    {
        const auto lock = InstallLock::take(state, Busy::fail);
        REQUIRE_MESSAGE(lock.has_value(), problem(lock));
        struct stat found{};
        REQUIRE(::stat((state / "install.lock").c_str(), &found) == 0);
        CHECK((found.st_mode & 07777U) == 0600U);
        const auto second = InstallLock::take(state, Busy::fail);
        REQUIRE(!second);
        CHECK(second.error().kind == ErrorKind::unavailable);
    }
    CHECK(InstallLock::take(state, Busy::fail).has_value());
}

TEST_CASE_FIXTURE(NodeFolder, "one who waited for a lock that was removed holds the new one") {
    auto first = InstallLock::take(path, Busy::fail);
    REQUIRE(first.has_value());
    std::optional<Result<InstallLock>> second;
    std::thread waiting([&] { second.emplace(InstallLock::take(path, Busy::wait)); });
    REQUIRE(first->remove());
    first = std::unexpected(Error{});
    waiting.join();
    REQUIRE(second->has_value());
    CHECK(!InstallLock::take(path, Busy::fail).has_value());
}

}  // namespace
}  // namespace ambient::agent
