// Installer on real folders, its loop driven step by step.
#include "node-agent/install/installer.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <functional>
#include <optional>

#include <doctest/doctest.h>

#include "tests/unit/install/node_folder.hpp"

namespace ambient::agent {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct Node : NodeFolder {
    Node() {
        for (const auto* folder : {"net.d", "bin"})
            fs::create_directory(path / folder);
        write("plugin", "the program");
        write("net.d/10-a.conflist", list_of("a"));
    }

    config::AgentConfig config() const {
        return {.socket = path / "agent.sock",
                .state_dir = path / "state",
                .install = {.enabled = true,
                            .plugin = path / "plugin",
                            .cni_bin_dir = path / "bin",
                            .cni_conf_dir = path / "net.d"}};
    }
    void follow() {
        installer.follow(io, [this] { ++told; });
    }
    // Runs the loop until `reached`, at most for a while.
    bool settle(const std::function<bool()>& reached) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!reached() && io.run_one_until(deadline) > 0) {
        }
        return reached();
    }
    bool is_right(const std::string& file = "net.d/10-a.conflist") const {
        return fs::exists(path / "bin/ambient-cni") && read(file).contains("ambient-cni");
    }

    asio::io_context io;
    Installer installer{config()};
    int told = 0;
};

TEST_CASE_FIXTURE(Node, "once, and back") {
    CHECK(!installer.installed());
    CHECK(installer.trouble() == nullptr);
    REQUIRE(installer.install());
    CHECK(installer.installed());
    CHECK(types(read("net.d/10-a.conflist")) == Names{"a", "ambient-cni"});
    CHECK(read("bin/ambient-cni") == "the program");
    REQUIRE(installer.install());
    CHECK(installer.counters().plugin == 1);
    CHECK(installer.counters().added == 1);
    REQUIRE(installer.uninstall());
    REQUIRE(installer.uninstall());
    CHECK(!installer.installed());
    CHECK(read("net.d/10-a.conflist") == list_of("a"));
    CHECK(!fs::exists(path / "bin/ambient-cni"));
    CHECK(fs::is_empty(path / "state"));
}

TEST_CASE_FIXTURE(Node, "no entry without the program") {
    fs::remove(path / "plugin");
    const auto outcome = installer.install();
    REQUIRE(!outcome);
    CHECK(*installer.trouble() == outcome.error());
    CHECK(read("net.d/10-a.conflist") == list_of("a"));
    // An older program that stands there serves.
    write("bin/ambient-cni", "older");
    fs::permissions(path / "bin/ambient-cni", fs::perms(0755));
    CHECK(!installer.install());
    CHECK(is_right());
}

TEST_CASE_FIXTURE(Node, "each thing that others do is repaired at once") {
    follow();
    CHECK(installer.installed());
    CHECK(told == 1);
    SUBCASE("rewritten in place") { write("net.d/10-a.conflist", list_of("b")); }
    SUBCASE("replaced") {
        write("other", list_of("b"));
        fs::rename(path / "other", path / "net.d/10-a.conflist");
    }
    SUBCASE("program deleted") { fs::remove(path / "bin/ambient-cni"); }
    SUBCASE("program overwritten") { write("bin/ambient-cni", "something else"); }
    SUBCASE("a new first file") { write("net.d/05-b.conflist", list_of("b")); }
    SUBCASE("a link as the first file") {
        write("other", list_of("b"));
        fs::create_symlink("../other", path / "net.d/05-b.conflist");
    }
    SUBCASE("the folder replaced") {
        fs::rename(path / "net.d", path / "old.d");
        fs::create_directory(path / "net.d");
        write("net.d/10-a.conflist", list_of("b"));
    }
    CHECK(settle([&] {
        return is_right(fs::exists(path / "net.d/05-b.conflist") ? "net.d/05-b.conflist"
                                                                 : "net.d/10-a.conflist") &&
               read("bin/ambient-cni") == "the program";
    }));
    CHECK(installer.installed());
    // Once, beside the two writes of the installation.
    CHECK(installer.counters().plugin + installer.counters().added == 3);
}

TEST_CASE_FIXTURE(Node, "waits for a configuration, then for its second half") {
    fs::remove(path / "net.d/10-a.conflist");
    fs::remove(path / "net.d");
    follow();
    CHECK(!installer.installed());
    CHECK(installer.trouble()->kind == ErrorKind::not_found);
    fs::create_directory(path / "net.d");
    CHECK(settle([&] { return installer.trouble()->kind == ErrorKind::unavailable; }));
    CHECK(describe(*installer.trouble()).starts_with("waiting for the primary CNI"));
    write("net.d/10-a.conflist", list_of("a").substr(0, 30));
    CHECK(settle([&] { return describe(*installer.trouble()).contains("not valid JSON"); }));
    CHECK(read("net.d/10-a.conflist") == list_of("a").substr(0, 30));
    write("net.d/10-a.conflist", list_of("a"));
    CHECK(settle([&] { return installer.installed(); }));
    CHECK(is_right());
    CHECK(installer.trouble() == nullptr);
}

TEST_CASE_FIXTURE(Node,
                  "one who keeps undoing it is answered ever less often, and right at the end") {
    follow();
    const auto end = std::chrono::steady_clock::now() + 1s;
    int rewrites = 0;
    while (std::chrono::steady_clock::now() < end) {
        write("net.d/10-a.conflist", list_of("b"));
        ++rewrites;
        io.run_one_for(2ms);
    }
    // 50 ms, 100, 200, 400, 800 apart, and the first one at the start.
    CHECK(rewrites > 10);
    CHECK(installer.counters().added >= 2);
    CHECK(installer.counters().added <= 6);
    CHECK(settle([&] { return is_right(); }));
    CHECK(types(read("net.d/10-a.conflist")) == Names{"b", "ambient-cni"});
}

TEST_CASE_FIXTURE(Node, "what we wrote ourselves is no reason to write") {
    follow();
    const auto before = fs::last_write_time(path / "net.d/10-a.conflist");
    io.run_for(300ms);
    CHECK(installer.counters().added == 1);
    CHECK(fs::last_write_time(path / "net.d/10-a.conflist") == before);
}

TEST_CASE_FIXTURE(Node, "what was undone a moment ago is put right before the end") {
    follow();
    // Undone so often that the next answer is seconds away.
    for (int i = 0; i < 3; ++i) {
        write("net.d/10-a.conflist", list_of("b"));
        REQUIRE(settle([&] { return is_right(); }));
    }
    write("net.d/10-a.conflist", list_of("c"));
    io.poll();
    CHECK(!is_right());
    installer.finish();
    CHECK(types(read("net.d/10-a.conflist")) == Names{"c", "ambient-cni"});
}

TEST_CASE_FIXTURE(Node, "what others lock does not stop it, and it waits for nobody on its loop") {
    const UniqueFd conf(::open((path / "net.d").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const UniqueFd bin(::open((path / "bin").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(::flock(conf.get(), LOCK_EX) == 0);
    REQUIRE(::flock(bin.get(), LOCK_EX) == 0);
    std::optional<Result<InstallLock>> other =
        InstallLock::take(path / "state", InstallLock::Busy::fail);
    REQUIRE(other->has_value());
    follow();
    CHECK(!installer.installed());
    CHECK(installer.trouble()->kind == ErrorKind::unavailable);
    other.reset();
    CHECK(settle([&] { return installer.installed(); }));
    CHECK(is_right());
}

TEST_CASE_FIXTURE(Node, "after leaving nothing is put back") {
    follow();
    write("net.d/10-a.conflist", list_of("b"));
    REQUIRE(installer.uninstall());
    io.run_for(200ms);
    CHECK(read("net.d/10-a.conflist") == list_of("b"));
    CHECK(!fs::exists(path / "bin/ambient-cni"));
}

}  // namespace
}  // namespace ambient::agent
