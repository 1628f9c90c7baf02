#include "node-agent/install/node_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

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

TEST_CASE_FIXTURE(NodeFolder, "what an earlier one left half done goes, and one at a time") {
    write(".ambient-cni.new", "half");
    {
        const auto lock = FolderLock::take(path);
        REQUIRE(lock.has_value());
        CHECK(names().empty());
        const UniqueFd other(::open(path.c_str(), O_RDONLY | O_DIRECTORY));
        CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) != 0);
    }
    const UniqueFd other(::open(path.c_str(), O_RDONLY | O_DIRECTORY));
    CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
    CHECK(!FolderLock::take(path / "absent").has_value());
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
