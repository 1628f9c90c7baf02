// ObjectFiles on real files: every way in which files change.
#include "node-agent/source/object_files.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

// A folder of its own, gone at the end.
struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "ambient-source-XXXXXX").native();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name) << text;
    }

    fs::path path;
};

std::string pod(const std::string& name) { return "{kind: Pod, metadata: {name: " + name + "}}\n"; }

ObjectFiles opened(const fs::path& path) {
    auto source = ObjectFiles::open(path);
    REQUIRE_MESSAGE(source.has_value(), describe(source.error()));
    return *std::move(source);
}

Names pods(const ObjectFiles& source) {
    Names names;
    const kube::Objects& objects = source.objects();
    for (const auto& found : objects.pods)
        names.push_back(found.name);
    return names;
}

// inotify tells of a change before the call that made it returns.
bool is_readable(const ObjectFiles& source) {
    pollfd watched = {.fd = source.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&watched, 1, 0) == 1;
}

void check_nothing_new(ObjectFiles& source) {
    CHECK_FALSE(is_readable(source));
    const auto outcome = source.refresh();
    CHECK_FALSE(outcome.changed);
    CHECK(outcome.errors.empty());
}

// The descriptor woke us, the objects changed, and the next look finds nothing.
void check_change(ObjectFiles& source, const Names& expected) {
    CHECK(is_readable(source));
    const auto outcome = source.refresh();
    CHECK(outcome.changed);
    CHECK(outcome.errors.empty());
    CHECK(pods(source) == expected);
    check_nothing_new(source);
}

// It woke us, nothing changed, and this is said once.
void check_error(ObjectFiles& source, const std::string& expected) {
    CHECK(is_readable(source));
    const auto outcome = source.refresh();
    CHECK_FALSE(outcome.changed);
    REQUIRE(outcome.errors.size() == 1);
    CHECK(describe(outcome.errors.front()) == expected);
    check_nothing_new(source);
}

TEST_CASE("a folder: files appear, change and go") {
    const Folder folder;
    folder.write("b.yaml", pod("b"));
    folder.write("a.json", R"({"kind": "Pod", "metadata": {"name": "a"}})");
    folder.write("ignored.txt", "not yaml: [");
    folder.write(".hidden.yaml", "not yaml: [");
    fs::create_directory(folder.path / "sub.yaml");
    ObjectFiles source = opened(folder.path);
    CHECK_FALSE(source.complete());
    const auto first = source.refresh();
    CHECK(first.changed);
    CHECK(first.errors.empty());
    CHECK(source.complete());
    CHECK(pods(source) == Names{"a", "b"});
    check_nothing_new(source);

    SUBCASE("written in place") {
        folder.write("b.yaml", pod("b") + "---\n" + pod("c"));
        check_change(source, {"a", "b", "c"});
    }
    SUBCASE("a new one") {
        folder.write("c.yml", pod("c"));
        check_change(source, {"a", "b", "c"});
    }
    SUBCASE("replaced by rename") {
        folder.write("b.yaml.new", pod("new"));
        fs::rename(folder.path / "b.yaml.new", folder.path / "b.yaml");
        check_change(source, {"a", "new"});
    }
    SUBCASE("renamed") {
        fs::rename(folder.path / "a.json", folder.path / "z.json");
        check_change(source, {"b", "a"});
    }
    SUBCASE("deleted") {
        fs::remove(folder.path / "a.json");
        check_change(source, {"b"});
    }
    SUBCASE("moved away") {
        const Folder elsewhere;
        fs::rename(folder.path / "a.json", elsewhere.path / "a.json");
        check_change(source, {"b"});
    }
    SUBCASE("a symbolic link") {
        folder.write("c.txt", pod("c"));
        fs::create_symlink("c.txt", folder.path / "c.yaml");
        check_change(source, {"a", "b", "c"});
    }
    SUBCASE("another name of a file") {
        folder.write("c.txt", pod("c"));
        fs::create_hard_link(folder.path / "c.txt", folder.path / "c.yaml");
        check_change(source, {"a", "b", "c"});
    }
    SUBCASE("moved in") {
        const Folder elsewhere;
        elsewhere.write("c.yaml", pod("c"));
        fs::rename(elsewhere.path / "c.yaml", folder.path / "c.yaml");
        check_change(source, {"a", "b", "c"});
    }
    SUBCASE("written again with the same content") {
        folder.write("b.yaml", pod("b"));
        CHECK(is_readable(source));
        CHECK_FALSE(source.refresh().changed);
        check_nothing_new(source);
    }
    SUBCASE("names that do not count") {
        folder.write("ignored.txt", "still not yaml: [");
        folder.write(".b.yaml.swp", "x");
        CHECK_FALSE(source.refresh().changed);
        CHECK(pods(source) == Names{"a", "b"});
    }
    SUBCASE("made and gone between two looks") {
        folder.write("c.yaml", pod("c"));
        fs::remove(folder.path / "c.yaml");
        CHECK_FALSE(source.refresh().changed);
        CHECK(pods(source) == Names{"a", "b"});
    }
}

TEST_CASE("a half-written or malformed file keeps what it held") {
    const Folder folder;
    folder.write("a.yaml", pod("a"));
    folder.write("b.yaml", pod("b"));
    ObjectFiles source = opened(folder.path);
    source.refresh();
    const std::string file = (folder.path / "b.yaml").native();

    SUBCASE("not closed yet: not looked at") {
        std::ofstream half(folder.path / "b.yaml");
        half << "{kind: Pod, meta" << std::flush;
        check_nothing_new(source);
        CHECK(pods(source) == Names{"a", "b"});
        half << "data: {name: whole}}\n";
        half.close();
        check_change(source, {"a", "whole"});
    }
    SUBCASE("malformed: told once, until it changes to another error or is good") {
        folder.write("b.yaml", "{kind: Pod");
        check_error(source, file + ":1:1: not valid YAML: end of map flow not found");
        CHECK(pods(source) == Names{"a", "b"});
        CHECK(source.complete());

        folder.write("b.yaml", "{kind: Pod");  // the same again
        CHECK(source.refresh().errors.empty());
        folder.write("b.yaml", "{kind: Pod}");
        check_error(source, file + ":1:1: Pod has no metadata.name");
        // Others go on meanwhile.
        folder.write("a.yaml", pod("a2"));
        check_change(source, {"a2", "b"});
        folder.write("b.yaml", pod("good"));
        check_change(source, {"a2", "good"});
        // After it was good the same error is news.
        folder.write("b.yaml", "{kind: Pod}");
        check_error(source, file + ":1:1: Pod has no metadata.name");
    }
}

TEST_CASE("a file that was never read well: the picture is not complete") {
    const Folder folder;
    folder.write("a.yaml", pod("a"));
    folder.write("b.yaml", "kind: [");
    ObjectFiles source = opened(folder.path);
    const auto outcome = source.refresh();
    CHECK(outcome.changed);
    CHECK(outcome.errors.size() == 1);
    CHECK(pods(source) == Names{"a"});
    CHECK_FALSE(source.complete());
    CHECK(source.refresh().errors.empty());
    SUBCASE("until it is good") {
        folder.write("b.yaml", pod("b"));
        check_change(source, {"a", "b"});
    }
    SUBCASE("until it is gone") {
        fs::remove(folder.path / "b.yaml");
        check_change(source, {"a"});
    }
    CHECK(source.complete());
}

TEST_CASE("an empty folder is a complete picture") {
    const Folder folder;
    ObjectFiles source = opened(folder.path);
    CHECK(source.refresh().changed);
    CHECK(source.complete());
    check_nothing_new(source);
}

TEST_CASE("a single file; its neighbours do not count") {
    const Folder folder;
    folder.write("objects", pod("a"));
    folder.write("other.yaml", pod("other"));
    ObjectFiles source = opened(folder.path / "objects");
    CHECK(source.refresh().changed);
    CHECK(pods(source) == Names{"a"});

    folder.write("other.yaml", pod("other2"));
    CHECK_FALSE(source.refresh().changed);
    folder.write("new", pod("b"));
    fs::rename(folder.path / "new", folder.path / "objects");
    check_change(source, {"b"});

    // Gone: perhaps about to be replaced. What it held stays.
    fs::remove(folder.path / "objects");
    check_error(source,
                "read file " + (folder.path / "objects").native() + ": No such file or directory");
    CHECK(pods(source) == Names{"b"});
    folder.write("objects", pod("c"));
    check_change(source, {"c"});
}

TEST_CASE("a single file that does not exist yet") {
    const Folder folder;
    ObjectFiles source = opened(folder.path / "objects.yaml");
    CHECK(source.refresh().errors.size() == 1);
    CHECK_FALSE(source.complete());
    folder.write("objects.yaml", pod("a"));
    check_change(source, {"a"});
    CHECK(source.complete());
}

// As kubelet does it: the files are links through ..data, which is swapped by rename.
TEST_CASE("a mounted ConfigMap") {
    const Folder folder;
    const auto fill = [&](const std::string& version, const std::string& name) {
        fs::create_directory(folder.path / version);
        folder.write(version + "/objects.yaml", pod(name));
    };
    fill("..1", "a");
    fs::create_directory_symlink("..1", folder.path / "..data");
    fs::create_symlink("..data/objects.yaml", folder.path / "objects.yaml");
    for (const fs::path& path : {folder.path, folder.path / "objects.yaml"}) {
        CAPTURE(path.native());
        ObjectFiles source = opened(path);
        source.refresh();
        CHECK(pods(source) == Names{"a"});

        fill("..2", "b");
        fs::create_directory_symlink("..2", folder.path / "..data_tmp");
        fs::rename(folder.path / "..data_tmp", folder.path / "..data");
        fs::remove_all(folder.path / "..1");
        check_change(source, {"b"});

        fill("..1", "a");
        fs::remove(folder.path / "..data");
        fs::create_directory_symlink("..1", folder.path / "..data");
        fs::remove_all(folder.path / "..2");
    }
}

TEST_CASE("the folder goes and comes back") {
    const Folder folder;
    const fs::path inner = folder.path / "objects";
    fs::create_directory(inner);
    folder.write("objects/a.yaml", pod("a"));
    ObjectFiles source = opened(inner);
    source.refresh();
    const std::string gone = "follow folder " + inner.native() + ": No such file or directory";

    SUBCASE("deleted") { fs::remove_all(inner); }
    SUBCASE("moved away") { fs::rename(inner, folder.path / "elsewhere"); }
    check_error(source, gone);
    CHECK(pods(source) == Names{"a"});

    fs::create_directory(inner);
    folder.write("objects/b.yaml", pod("b"));
    CHECK(source.refresh().changed);
    CHECK(pods(source) == Names{"b"});
    folder.write("objects/c.yaml", pod("c"));
    check_change(source, {"b", "c"});
}

// The next look finds it.
void check_found(ObjectFiles& source, const Names& expected) {
    const auto outcome = source.look();
    CHECK(outcome.changed);
    CHECK(outcome.errors.empty());
    CHECK(pods(source) == expected);
    CHECK_FALSE(source.look().changed);
}

TEST_CASE("what nothing tells of is found by the next look") {
    const Folder folder;
    fs::create_directory(folder.path / "first");
    fs::create_directory(folder.path / "second");
    folder.write("elsewhere.yaml", pod("a"));
    fs::create_symlink("../elsewhere.yaml", folder.path / "first/a.yaml");
    fs::create_symlink("first", folder.path / "objects");
    ObjectFiles source = opened(folder.path / "objects");
    source.refresh();
    CHECK(pods(source) == Names{"a"});
    SUBCASE("a link's target is written") {
        folder.write("elsewhere.yaml", pod("b"));
        check_nothing_new(source);
        check_found(source, {"b"});
    }
    SUBCASE("the folder is another one") {
        folder.write("second/c.yaml", pod("c"));
        fs::remove(folder.path / "objects");
        fs::create_symlink("second", folder.path / "objects");
        check_nothing_new(source);
        check_found(source, {"c"});
        folder.write("second/d.yaml", pod("d"));
        check_change(source, {"c", "d"});
    }
}

TEST_CASE("without inotify it is looked at, and followed as soon as there is one again") {
    const Folder folder;
    folder.write("a.yaml", pod("a"));
    std::optional<rlimit> before(std::in_place);
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &*before) == 0);
    // No descriptor for it, which reads as no instance does (EMFILE, inotify_init(2)).
    const int next = ::dup(0);
    ::close(next);
    rlimit none = *before;
    none.rlim_cur = static_cast<rlim_t>(next);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    auto source = ObjectFiles::open(folder.path);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &*before) == 0);
    REQUIRE_MESSAGE(source.has_value(), describe(source.error()));
    CHECK(source->fd() < 0);
    CHECK(source->look().changed);
    CHECK(pods(*source) == Names{"a"});
    CHECK(source->fd() >= 0);
    folder.write("b.yaml", pod("b"));
    check_change(*source, {"a", "b"});
}

TEST_CASE("no folder at all is an error at once") {
    const auto source = ObjectFiles::open("/no/such/folder/objects.yaml");
    REQUIRE_FALSE(source.has_value());
    CHECK(source.error().kind == ErrorKind::not_found);
    CHECK(describe(source.error()) == "follow folder /no/such/folder: No such file or directory");
}

TEST_CASE("more changes than inotify holds: everything is read again") {
    const Folder folder;
    folder.write("a.yaml", pod("a"));
    ObjectFiles source = opened(folder.path);
    source.refresh();
    std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
    int limit = 0;
    limit_file >> limit;
    REQUIRE(limit > 0);
    // Two names in turn: inotify merges an event with the same one before it.
    for (int i = 0; i <= limit / 2; ++i) {
        folder.write("x", "");
        folder.write("y", "");
    }
    folder.write("a.yaml", pod("b"));  // this event is lost
    CHECK(source.refresh().changed);
    CHECK(pods(source) == Names{"b"});
}

}  // namespace
}  // namespace ambient::agent
