#include "node-agent/install/node_file.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <functional>

#include <doctest/doctest.h>

#include "tests/unit/install/node_folder.hpp"

namespace ambient::agent {
namespace {

namespace fs = std::filesystem;

NodeFile must_read(const fs::path& path) {
    auto file = read_node_file(path);
    REQUIRE_MESSAGE(file.has_value(), problem(file));
    return *std::move(file);
}

TEST_CASE_FIXTURE(NodeFolder,
                  "a rewritten file keeps its mode and owner, and nothing stays beside it") {
    write("a.conflist", "old");
    REQUIRE(::chmod((path / "a.conflist").c_str(), 0640) == 0);
    // Only root may give files away; for others the owner is their own.
    const bool root = ::geteuid() == 0;
    if (root) REQUIRE(::chown((path / "a.conflist").c_str(), 1234, 5678) == 0);
    const auto before = must_read(path / "a.conflist");
    REQUIRE(rewrite_node_file(before, "new"));
    CHECK(read("a.conflist") == "new");
    CHECK(must_read(path / "a.conflist").permissions == before.permissions);
    CHECK(before.permissions.mode == 0640);
    if (root) CHECK(before.permissions.owner == 1234);
    CHECK(names() == Names{"a.conflist"});
}

TEST_CASE_FIXTURE(NodeFolder, "what another program wrote in between is kept") {
    write("a.conflist", "old");
    const auto before = must_read(path / "a.conflist");
    SUBCASE("in place") { write("a.conflist", "theirs"); }
    SUBCASE("by rename") {
        write("b", "theirs");
        fs::rename(path / "b", path / "a.conflist");
    }
    const auto outcome = rewrite_node_file(before, "ours");
    REQUIRE(!outcome);
    CHECK(outcome.error().kind == ErrorKind::interrupted);
    CHECK(read("a.conflist") == "theirs");
    CHECK(names() == Names{"a.conflist"});
}

// Runs `act` in a process of its own whose file systems cannot exchange files.
bool without_exchange(const std::function<bool()>& act) {
    const auto child = ::fork();
    if (child == 0) {
        sock_filter program[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[4])),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RENAME_EXCHANGE, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const sock_fprog filter = {.len = std::size(program), .filter = program};
        const bool filtered = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                              ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
        ::_exit(filtered && act() ? 0 : 1);
    }
    int status = -1;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

TEST_CASE_FIXTURE(NodeFolder, "on a file system that cannot exchange two files") {
    write("a.conflist", "old");
    write("b.conflist", "old");
    const auto a = must_read(path / "a.conflist");
    const auto b = must_read(path / "b.conflist");
    write("b.conflist", "theirs");
    CHECK(without_exchange([&] {
        return ::renameat2(AT_FDCWD, a.path.c_str(), AT_FDCWD, b.path.c_str(), RENAME_EXCHANGE) < 0;
    }));
    CHECK(without_exchange([&] { return rewrite_node_file(a, "new").has_value(); }));
    CHECK(without_exchange([&] {
        const auto outcome = rewrite_node_file(b, "new");
        return !outcome && outcome.error().kind == ErrorKind::interrupted;
    }));
    CHECK(read("a.conflist") == "new");
    CHECK(read("b.conflist") == "theirs");
    CHECK(names() == Names{"a.conflist", "b.conflist"});
}

TEST_CASE_FIXTURE(NodeFolder, "a file that was deleted in between stays deleted") {
    write("a.conflist", "old");
    const auto before = must_read(path / "a.conflist");
    fs::remove(path / "a.conflist");
    const auto outcome = rewrite_node_file(before, "ours");
    REQUIRE(!outcome);
    CHECK(outcome.error().kind == ErrorKind::not_found);
    CHECK(names().empty());
}

TEST_CASE_FIXTURE(NodeFolder, "a link stays a link") {
    fs::create_directory(path / "etc");
    write("etc/real", "old");
    fs::create_symlink("etc/real", path / "a.conflist");
    REQUIRE(rewrite_node_file(must_read(path / "a.conflist"), "new"));
    CHECK(fs::is_symlink(path / "a.conflist"));
    CHECK(read("etc/real") == "new");
}

TEST_CASE_FIXTURE(NodeFolder, "a file built but not put leaves nothing") {
    {
        auto file = NewFile::create(path / "a");
        REQUIRE(file.has_value());
        REQUIRE(file->write("half"));
        REQUIRE(names().size() == 1);
    }
    CHECK(names().empty());
}

TEST_CASE_FIXTURE(NodeFolder, "what an earlier one left half done goes") {
    write(".ambient-cni.new", "half");
    REQUIRE(remove_half_done(path));
    CHECK(names().empty());
    CHECK(remove_half_done(path / "absent"));
}

TEST_CASE_FIXTURE(NodeFolder, "only files are read") {
    REQUIRE(::mkfifo((path / "pipe").c_str(), 0600) == 0);
    fs::create_symlink("nowhere", path / "dangling");
    for (const auto* name : {"pipe", "dangling", "absent", "."}) {
        CAPTURE(name);
        CHECK(!read_node_file(path / name).has_value());
    }
}

}  // namespace
}  // namespace ambient::agent
