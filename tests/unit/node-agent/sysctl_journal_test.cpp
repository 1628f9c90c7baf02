#include "node-agent/datapath/sysctl_journal.hpp"

#include <array>
#include <cstdlib>
#include <fstream>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

using model::Sysctl;
using Values = std::map<std::string, std::string>;

constexpr auto kPath = "net/ipv4/conf/a=b/rp_filter";

struct Folder {
    Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(path.data()); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] std::filesystem::path file() const {
        return std::filesystem::path(path.data()) / "state" / "sysctls.conf";
    }
    void write(const std::string& text) const {
        std::filesystem::create_directories(file().parent_path());
        std::ofstream(file()) << text;
    }
    [[nodiscard]] SysctlJournal load() const {
        auto journal = SysctlJournal::load(file());
        REQUIRE(journal.has_value());
        return *std::move(journal);
    }

    std::array<char, 32> path{"/tmp/ambient-journal-XXXXXX"};
};

TEST_CASE_FIXTURE(Folder, "the first value of each is what another process reads") {
    auto journal = load();
    CHECK(journal.originals().empty());
    REQUIRE(journal.remember({Sysctl{kPath, "1"}, Sysctl{"net/ipv4/tcp_rmem", "4096\t1\t6"}}));
    REQUIRE(journal.remember({Sysctl{kPath, "2"}}));
    CHECK(load().originals() == Values{{kPath, "1"}, {"net/ipv4/tcp_rmem", "4096\t1\t6"}});
}

TEST_CASE("what is as wanted already is not ours to remember") {
    const std::vector<Sysctl> wanted = {{"net/a", "2"}, {"net/b", "2"}};
    CHECK(about_to_change({{"net/a", "1"}, {"net/b", "2"}}, wanted) ==
          std::vector<Sysctl>{{"net/a", "1"}});
}

TEST_CASE_FIXTURE(Folder, "what is forgotten is gone from the file") {
    auto journal = load();
    REQUIRE(journal.remember({Sysctl{"net/a", "1"}, Sysctl{"net/b", "2"}}));
    REQUIRE(journal.forget({"net/a", "net/unknown"}));
    CHECK(load().originals() == Values{{"net/b", "2"}});
    REQUIRE(journal.remove());
    CHECK(!std::filesystem::exists(file()));
    CHECK(load().originals().empty());
}

TEST_CASE_FIXTURE(Folder, "an empty file, as a power failure may leave it") {
    write("");
    CHECK(load().originals().empty());
}

TEST_CASE_FIXTURE(Folder, "a line that was cut off counts for nothing") {
    write("net/a = 1\nnet/b = ");
    auto journal = load();
    CHECK(journal.originals() == Values{{"net/a", "1"}});
    REQUIRE(journal.remember({Sysctl{"net/c", "3"}}));
    CHECK(load().originals() == Values{{"net/a", "1"}, {"net/c", "3"}});
}

TEST_CASE_FIXTURE(Folder, "what cannot be written is not taken for remembered") {
    auto journal = load();
    REQUIRE(journal.remember({Sysctl{"net/a", "1"}}));
    const auto state = file().parent_path();
    std::filesystem::remove_all(state);
    std::ofstream(state) << "in the way";
    CHECK(!journal.remember({Sysctl{"net/b", "2"}}));
    CHECK(journal.originals() == Values{{"net/a", "1"}});
}

TEST_CASE_FIXTURE(Folder, "a file that is not ours is refused") {
    write("net/a = 1\nsomething else\n");
    const auto journal = SysctlJournal::load(file());
    REQUIRE(!journal.has_value());
    CHECK(journal.error().kind == ErrorKind::invalid_input);
    CHECK(describe(journal.error()).find("\"something else\"") != std::string::npos);
}

}  // namespace
}  // namespace ambient::agent
