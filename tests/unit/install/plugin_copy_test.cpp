#include "node-agent/install/plugin_copy.hpp"

#include <sys/stat.h>

#include <string>

#include <doctest/doctest.h>

#include "tests/unit/install/node_folder.hpp"

namespace ambient::agent {
namespace {

namespace fs = std::filesystem;

struct Node : NodeFolder {
    Node() {
        fs::create_directory(path / "bin");
        write("plugin", big);
    }

    bool install() {
        const auto wrote = copy.install();
        REQUIRE_MESSAGE(wrote.has_value(), problem(wrote));
        CHECK(read("bin/ambient-cni") == read("plugin"));
        CHECK(fs::symlink_status(path / "bin/ambient-cni").permissions() == fs::perms(0755));
        CHECK(copy.present());
        return *wrote;
    }

    std::string big = std::string(200'000, 'x') + "end";
    PluginCopy copy{path / "plugin", path / "bin"};
};

TEST_CASE_FIXTURE(Node, "written only when it is not there as it must be") {
    CHECK(!copy.present());
    CHECK(install());
    CHECK(!install());
    CHECK(!PluginCopy(path / "plugin", path / "bin").install().value());
    const auto there = path / "bin/ambient-cni";
    SUBCASE("deleted") { fs::remove(there); }
    SUBCASE("overwritten with as many bytes") {
        big.back() = 'E';
        write("bin/ambient-cni", big);
    }
    SUBCASE("shortened") { fs::resize_file(there, 5); }
    SUBCASE("not executable") { fs::permissions(there, fs::perms(0644)); }
    SUBCASE("set-user-id") { fs::permissions(there, fs::perms(04755)); }
    SUBCASE("a new version") { write("plugin", "new"); }
    CHECK(install());
    CHECK(!install());
}

TEST_CASE_FIXTURE(Node, "a link in its place is replaced, not followed") {
    write("other", "theirs");
    SUBCASE("to a file") { fs::create_symlink("../other", path / "bin/ambient-cni"); }
    SUBCASE("to the plugin itself") { fs::create_symlink("../plugin", path / "bin/ambient-cni"); }
    SUBCASE("to nothing") { fs::create_symlink("nowhere", path / "bin/ambient-cni"); }
    CHECK(install());
    CHECK(fs::is_regular_file(fs::symlink_status(path / "bin/ambient-cni")));
    CHECK(read("other") == "theirs");
    CHECK(read("plugin") == big);
}

TEST_CASE_FIXTURE(Node, "removed when it is ours, in this version or another") {
    CHECK(!copy.uninstall().value());
    install();
    CHECK(copy.uninstall().value());
    CHECK(!fs::exists(path / "bin/ambient-cni"));
    write("bin/ambient-cni",
          "\x7f"
          "ELF...CNI plugin ambient-cni 0.9\n...");
    CHECK(copy.uninstall().value());
    CHECK(!fs::exists(path / "bin/ambient-cni"));
    write("bin/ambient-cni", "something else");
    CHECK(!copy.uninstall().value());
    CHECK(read("bin/ambient-cni") == "something else");
    fs::remove(path / "bin/ambient-cni");
    fs::create_symlink("../plugin", path / "bin/ambient-cni");
    CHECK(!copy.uninstall().value());
    CHECK(fs::is_symlink(path / "bin/ambient-cni"));
}

TEST_CASE_FIXTURE(Node, "refused without a change") {
    install();
    fs::remove(path / "plugin");
    CHECK(problem(copy.install()).starts_with("read plugin " + (path / "plugin").native()));
    CHECK(read("bin/ambient-cni") == big);
    write("plugin", "");
    fs::resize_file(path / "plugin", std::uintmax_t{64} * 1024 * 1024 + 1);
    CHECK(problem(copy.install()).ends_with("is too large for a plugin"));
    CHECK(read("bin/ambient-cni") == big);
    CHECK(problem(PluginCopy(path / "plugin", path / "absent").install()).contains("absent"));
}

}  // namespace
}  // namespace ambient::agent
