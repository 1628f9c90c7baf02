#include "node-agent/install/chain.hpp"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "tests/unit/install/node_folder.hpp"

namespace ambient::agent {
namespace {

namespace fs = std::filesystem;

constexpr auto kSingle = "{\"cniVersion\": \"0.3.1\", \"name\": \"pods\", \"type\": \"bridge\"}\n";

struct Node : NodeFolder {
    Chain chain{path, kEntry};
    Chain::Changes changes;

    void install() {
        const auto outcome = chain.install(changes);
        REQUIRE_MESSAGE(outcome.has_value(), problem(outcome));
        // Once more, nothing is left to do.
        const auto added = changes.added;
        const auto removed = changes.removed;
        REQUIRE(chain.install(changes));
        CHECK(changes.added == added);
        CHECK(changes.removed == removed);
    }
    void uninstall() {
        const auto outcome = chain.uninstall(changes);
        REQUIRE_MESSAGE(outcome.has_value(), problem(outcome));
    }
    std::string refusal() {
        const auto outcome = chain.install(changes);
        REQUIRE(!outcome);
        CHECK(outcome.error().kind == ErrorKind::unavailable);
        return describe(outcome.error());
    }
};

TEST_CASE_FIXTURE(Node, "the first by name has our entry, and no other one") {
    write("20-b.conflist", list_of("b"));
    install();
    CHECK(types(read("20-b.conflist")) == Names{"b", "ambient-cni"});
    write("10-a.conflist", list_of("a"));
    write("05-not-read.txt", list_of("c"));
    fs::create_directory(path / "01-folder.conflist");
    install();
    CHECK(types(read("10-a.conflist")) == Names{"a", "ambient-cni"});
    CHECK(read("20-b.conflist") == list_of("b"));
    // Hidden ones are read by runtimes, too.
    write(".hidden.conflist", list_of("h"));
    install();
    CHECK(types(read(".hidden.conflist")) == Names{"h", "ambient-cni"});
    CHECK(read("10-a.conflist") == list_of("a"));
    fs::remove(path / ".hidden.conflist");
    fs::remove(path / "10-a.conflist");
    install();
    CHECK(types(read("20-b.conflist")) == Names{"b", "ambient-cni"});
    CHECK(changes.added == 4);
    CHECK(changes.removed == 2);
    uninstall();
    CHECK(read("20-b.conflist") == list_of("b"));
    CHECK(names() == Names{"01-folder.conflist", "05-not-read.txt", "20-b.conflist"});
}

TEST_CASE_FIXTURE(Node, "a list is put around one plugin alone, which stays as it is") {
    std::string ours = "10-a.ambient-cni.conflist";
    std::string single;
    SUBCASE("conf") { single = "10-a.conf"; }
    SUBCASE("json") { single = "10-a.json"; }
    // Right behind it in the order, and another one's.
    write("10-a.conflist", list_of("other"));
    write(single, kSingle);
    REQUIRE(::chmod((path / single).c_str(), 0600) == 0);
    if (single == "10-a.json") fs::rename(path / "10-a.conflist", path / "10-b.conflist");
    const auto before = names();
    install();
    CHECK(names().front() == ours);
    CHECK(types(read(ours)) == Names{"bridge", "ambient-cni"});
    CHECK((fs::status(path / ours).permissions() & fs::perms::mask) == fs::perms(0600));
    CHECK(read(single) == kSingle);
    CHECK(changes.added == 1);

    // What others add to our list stays.
    auto more = read(ours);
    more.insert(more.rfind(']'), R"(, {"type": "bandwidth"})");
    write(ours, more);
    install();
    CHECK(types(read(ours)) == Names{"bridge", "bandwidth", "ambient-cni"});

    write(single, R"({"cniVersion": "1.0.0", "name": "new", "type": "ptp"})");
    install();
    CHECK(types(read(ours)) == Names{"ptp", "ambient-cni"});

    uninstall();
    CHECK(names() == before);
    CHECK(read(single) == R"({"cniVersion": "1.0.0", "name": "new", "type": "ptp"})");
}

TEST_CASE_FIXTURE(Node, "our list goes with the one that it was about") {
    write("10-a.conf", kSingle);
    write("20-b.conflist", list_of("b"));
    install();
    SUBCASE("deleted") { fs::remove(path / "10-a.conf"); }
    SUBCASE("put aside") { fs::rename(path / "10-a.conf", path / "10-a.conf.bak"); }
    SUBCASE("a new first one") { write("05-c.conflist", list_of("c")); }
    install();
    CHECK(!fs::exists(path / "10-a.ambient-cni.conflist"));
    fs::remove(path / "05-c.conflist");
    fs::remove(path / "20-b.conflist");
    fs::remove(path / "10-a.conf");
    CHECK(refusal() ==
          "waiting for the primary CNI: there is no network configuration "
          "(*.conflist, *.conf) in " +
              path.native());
    CHECK(!fs::exists(path / "10-a.ambient-cni.conflist"));
}

TEST_CASE_FIXTURE(Node, "a first file that cannot be understood: nothing is touched") {
    write("20-b.conflist", list_of("b"));
    install();
    const auto with = read("20-b.conflist");
    SUBCASE("half written") { write("10-a.conflist", list_of("a").substr(0, 40)); }
    SUBCASE("empty") { write("10-a.conflist", ""); }
    SUBCASE("one plugin alone in a list's file") { write("10-a.conflist", kSingle); }
    SUBCASE("a list in the file of one plugin alone") { write("10-a.conf", list_of("a")); }
    SUBCASE("an old version") {
        write("10-a.conf", R"({"cniVersion": "0.2.0", "name": "a", "type": "bridge"})");
    }
    const auto before = names();
    const auto text = refusal();
    CHECK_MESSAGE(text.ends_with("in network configuration " + (path / before.front()).native()),
                  text);
    CHECK(read("20-b.conflist") == with);
    CHECK(names() == before);
}

TEST_CASE_FIXTURE(Node, "one file under two names has one entry") {
    write("20-b.conflist", list_of("b"));
    fs::create_symlink("20-b.conflist", path / "10-a.conflist");
    install();
    CHECK(types(read("20-b.conflist")) == Names{"b", "ambient-cni"});
    CHECK(fs::is_symlink(path / "10-a.conflist"));
    uninstall();
    CHECK(read("20-b.conflist") == list_of("b"));
}

TEST_CASE_FIXTURE(Node, "leaving finds the entry in whatever was put aside") {
    write("10-a.conflist", list_of("a"));
    install();
    fs::rename(path / "10-a.conflist", path / "10-a.conflist.cilium_bak");
    write("10-s.conf", kSingle);
    install();
    fs::rename(path / "10-s.ambient-cni.conflist", path / "10-s.ambient-cni.conflist.cilium_bak");
    write("README", "ambient-cni puts its entry here");
    uninstall();
    CHECK(read("10-a.conflist.cilium_bak") == list_of("a"));
    CHECK(names() == Names{"10-a.conflist.cilium_bak", "10-s.conf", "README"});
    uninstall();
}

TEST_CASE_FIXTURE(Node, "leaving says what it could not clean") {
    write("10-a.conflist", list_of("a"));
    install();
    const auto half = read("10-a.conflist").substr(0, read("10-a.conflist").size() - 5);
    write("10-a.conflist", half);
    write("20-b.conflist", list_of("b"));
    fs::copy(path / "20-b.conflist", path / "05-c.conflist");
    install();
    const auto outcome = chain.uninstall(changes);
    REQUIRE(!outcome);
    CHECK(describe(outcome.error()).ends_with((path / "10-a.conflist").native()));
    CHECK(read("10-a.conflist") == half);
    CHECK(read("05-c.conflist") == list_of("b"));
}

TEST_CASE_FIXTURE(Node, "istio-cni in the same chain is named, as long as it is there") {
    write("10-a.conflist",
          R"({"cniVersion":"1.0.0","name":"p","plugins":[{"type":"a"},{"type":"istio-cni"}]})");
    install();
    CHECK(chain.beside_istio_cni() == (path / "10-a.conflist").native());
    write("10-a.conflist", list_of("a"));
    install();
    CHECK(chain.beside_istio_cni().empty());
}

TEST_CASE_FIXTURE(Node, "a list in a .conf") {
    write("10-a.conf", list_of("a"));
    CHECK(refusal().contains("name it NAME.conflist"));
    CHECK(names() == Names{"10-a.conf"});
}

TEST_CASE("no such folder") {
    Chain chain("/nonexistent/net.d", kEntry);
    Chain::Changes changes;
    CHECK(problem(chain.install(changes)) ==
          "read folder /nonexistent/net.d: No such file or directory");
}

}  // namespace
}  // namespace ambient::agent
