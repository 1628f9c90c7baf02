#include "common/cni/conflist.hpp"

#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "common/cni/json.hpp"

namespace ambient::cni {
namespace {

constexpr auto kEntry = R"({"type":"ambient-cni","agent_socket":"/run/a.sock","sets":["a","b"]})";

std::string must(const Result<std::string>& text) {
    REQUIRE_MESSAGE(text.has_value(), describe(text.error()));
    return *text;
}

std::string refusal(const Result<std::string>& text) {
    if (text) return "accepted: " + *text;
    CHECK(text.error().kind == ErrorKind::invalid_input);
    return describe(text.error());
}

std::vector<std::string> types(const std::string& list) {
    std::vector<std::string> types;
    const auto config = Json::parse(list);
    for (const auto& plugin : config["plugins"])
        types.push_back(plugin["type"]);
    return types;
}

TEST_CASE("an entry takes the layout of the one before it") {
    CHECK(must(with_entry(R"({
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipam": {"type": "host-local"}
    },
    {
      "type": "portmap"
    }
  ]
}
)",
                          kEntry)) == R"({
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipam": {"type": "host-local"}
    },
    {
      "type": "portmap"
    },
    {
      "type": "ambient-cni",
      "agent_socket": "/run/a.sock",
      "sets": ["a", "b"]
    }
  ]
}
)");
    CHECK(must(with_entry(R"({"cniVersion":"0.3.1","name":"p","plugins":[{"type":"ptp"}]})",
                          R"({"type":"ambient-cni","n":{"a":1}})")) ==
          R"({"cniVersion":"0.3.1","name":"p","plugins":[{"type":"ptp"},)"
          R"({"type":"ambient-cni","n":{"a":1}}]})");
    CHECK(
        must(with_entry("{\"cniVersion\": \"0.3.1\", \"name\": \"p\",\r\n\"plugins\" "
                        ":\r\n[\t{\r\n\t\t\t\"type\": "
                        "\"ptp\"\r\n\t\t} ]}",
                        R"({"type":"ambient-cni","n":{"a":1}})")) ==
        "{\"cniVersion\": \"0.3.1\", \"name\": \"p\",\r\n\"plugins\" :\r\n[\t{\r\n\t\t\t\"type\": "
        "\"ptp\"\r\n\t\t},\t{\r\n\t\t\t\"type\": \"ambient-cni\",\r\n\t\t\t\"n\": {\r\n"
        "\t\t\t\t\"a\": 1\r\n\t\t\t}\r\n\t\t} ]}");
}

TEST_CASE("an entry that is right stays as it is, whoever wrote it and in whatever order") {
    const std::string list = R"({"cniVersion": "1.1.0", "name": "p", "plugins": [ {"type": "ptp"},
        {"sets": ["a", "b"], "type": "ambient-cni",
         "agent_socket": "/run/a.sock"} ]})";
    CHECK(must(with_entry(list, kEntry)) == list);
}

TEST_CASE("never two of ours, and ours is the last") {
    const std::string ours = kEntry;
    const std::string old = R"({"type": "ambient-cni", "agent_socket": "/run/old.sock"})";
    const std::string a = R"({"type": "a"})";
    const std::string b = R"({"type": "b"})";
    const std::vector<std::vector<std::string>> chains = {
        {a, b},           {a, b, old},           {a, old, b},
        {old, a, b},      {a, old, b, old},      {a, ours, b},
        {old, old, a, b}, {a, old, old, b, old}, {ours, a, ours, b, ours}};
    const std::string head = R"({"cniVersion": "1.0.0", "name": "pods", "plugins": [ )";
    for (const auto& chain : chains) {
        std::string list = head;
        for (const auto& entry : chain)
            list += (list == head ? "" : " ,  ") + entry;
        list += " ] }";
        CAPTURE(list);
        const auto with = must(with_entry(list, kEntry));
        CHECK(types(with) == std::vector<std::string>{"a", "b", "ambient-cni"});
        CHECK(Json::parse(with)["plugins"][2] == Json::parse(kEntry));
        CHECK(must(with_entry(with, kEntry)) == with);
        CHECK(must(without_entry(with)) == head + a + " ,  " + b + " ] }");
        CHECK(must(without_entry(list)) == head + a + " ,  " + b + " ] }");
    }
}

TEST_CASE("what looks like ours elsewhere is not") {
    const std::string list = R"({"cniVersion": "1.0.0", "name": "p", "type": "ambient-cni",
        "more": {"plugins": [{"type": "ambient-cni"}]},
        "pl\u0075gins": [{"type": "a", "args": ["],", "{\"type\": \"ambient-cni\"}"], "x": {"type": "ambient-cni"}}]})";
    CHECK(must(without_entry(list)) == list);
    const auto with = must(with_entry(list, kEntry));
    CHECK(types(with) == std::vector<std::string>{"a", "ambient-cni"});
    CHECK(must(without_entry(with)) == list);
}

TEST_CASE("one plugin alone becomes a list with its very text") {
    const std::string single =
        "\n{ \"name\": \"pods\", \"cniVersion\": \"0.3.1\",\n"
        "\t\"type\": \"bridge\", \"mtu\": 1450.0 }\n\n";
    const auto list = must(list_around(single, kEntry));
    CHECK(list.contains(single.substr(1, single.size() - 3)));
    const auto config = Json::parse(list);
    CHECK(config["cniVersion"] == "0.3.1");
    CHECK(config["name"] == "pods");
    CHECK(types(list) == std::vector<std::string>{"bridge", "ambient-cni"});
    CHECK(must(with_entry(list, kEntry)) == list);
}

TEST_CASE("refused with one sentence") {
    const std::string big = R"({"cniVersion":"1.0.0","name":"p","x":")" +
                            std::string(1024 * 1024, 'x') + R"(","plugins":[{"type":"a"}]})";
    const std::string nearly = R"({"cniVersion":"1.0.0","name":"p","x":")" +
                               std::string(1024 * 1024 - 71, 'x') +
                               R"(","plugins":[{"type":"a"}]})";
    struct Case {
        std::string list;
        const char* sentence;
    };
    for (const auto& [list, sentence] : std::vector<Case>{
             {"", "the configuration is empty"},
             {R"({"cniVersion": "1.0.0", "plugins": [{"type": "a"})", "is not valid JSON"},
             {"// x\n{}", "is not valid JSON"},
             {"\xef\xbb\xbf{}", "byte order mark"},
             {"[]", "the configuration is not an object"},
             {R"({"cniVersion": "1.0.0", "type": "a"})", "it has no list \"plugins\""},
             {R"({"cniVersion": "1.0.0", "plugins": {}})", "\"plugins\" is not a list"},
             {R"({"cniVersion": "1.0.0", "plugins": [ ]})", "\"plugins\" is empty"},
             {R"({"plugins": [{"type": "a"}], "plugins": []})", "\"plugins\" stands there twice"},
             {R"({"cniVersion": "1.0.0", "name": "p", "plugins": [{"type": "ambient-cni"}]})",
              "no plugin stands before ambient-cni"},
             {R"({"cniVersion": "0.2.0", "plugins": [{"type": "a"}]})", "cniVersion 0.2.0 is none"},
             {R"({"plugins": [{"type": "a"}]})", "cniVersion (absent) is none"},
             {big, "is larger than 1 MiB"},
             {nearly, "with our entry it would be larger than 1 MiB"},
         }) {
        CAPTURE(list.substr(0, 100));
        CHECK_MESSAGE(refusal(with_entry(list, kEntry)).contains(sentence),
                      refusal(with_entry(list, kEntry)).substr(0, 200));
    }
    for (const auto& [single, sentence] : std::vector<Case>{
             {R"({"cniVersion": "1.0.0", "type": "a"})", "one plugin alone needs a text \"name\""},
             {R"({"cniVersion": "1.0.0", "name": "a"})", "\"type\" must be a text"},
             {R"({"name": "a", "type": "a"})", "cniVersion (absent) is none"},
             {R"({"cniVersion": "1.0.0", "name": "a", "type": "ambient-cni"})",
              "cannot stand alone"},
             {"{", "is not valid JSON"},
             {R"({"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "a"}]})",
              "name it NAME.conflist"},
         }) {
        CHECK_MESSAGE(refusal(list_around(single, kEntry)).contains(sentence),
                      refusal(list_around(single, kEntry)));
    }
    CHECK(must(with_entry(R"({"cniVersions": ["0.4.0"], "name": "p", "plugins": [{"type": "a"}]})",
                          kEntry))
              .contains("ambient-cni"));
}

// A random object, printed with random white space.
class Printer {
  public:
    explicit Printer(unsigned seed) : random_(seed) {}

    std::string list() {
        std::string plugins = "[";
        const auto count = 1 + below(4);
        for (unsigned i = 0; i < count; ++i)
            plugins += (i > 0 ? "," : "") + white() + plugin(i) + white();
        return white() + "{" + member("cniVersion", "\"1.0.0\"") + "," +
               member("x\\\"y", value(3)) + "," + member("plugins", plugins + "]") + "," +
               member("name", "\"a\\u005d[{\"") + "}" + white();
    }

  private:
    unsigned below(unsigned limit) { return static_cast<unsigned>(random_()) % limit; }
    std::string white() {
        static const std::vector<std::string> kinds = {"",   "",     " ",      "\n",    "\r\n  ",
                                                       "\t", "\n\n", "\n    ", "\r\n\t"};
        return kinds[below(static_cast<unsigned>(kinds.size()))];
    }
    std::string member(const std::string& key, const std::string& text) {
        return white() + "\"" + key + "\"" + white() + ":" + white() + text + white();
    }
    std::string plugin(unsigned number) {
        return "{" + member("type", "\"p" + std::to_string(number) + "\"") + "," +
               member("v", value(3)) + "}";
    }
    std::string value(int depth) {
        static const std::vector<std::string> scalars = {
            "1",         "-0.5e3",     "true",         "null",  R"("")",
            R"("]}\\")", R"("\"[{,")", "\"\xc3\xa4\"", R"({})", "[ ]"};
        switch (depth == 0 ? 2 : below(4)) {
            case 0: return "[" + value(depth - 1) + white() + "," + value(depth - 1) + "]";
            case 1: return "{" + member("k", value(depth - 1)) + "}";
            default: return scalars[below(static_cast<unsigned>(scalars.size()))];
        }
    }

    std::minstd_rand random_;
};

TEST_CASE("what was added is removed byte for byte, in every formatting") {
    for (unsigned seed = 1; seed <= 2000; ++seed) {
        const auto list = Printer(seed).list();
        CAPTURE(list);
        const auto with = must(with_entry(list, kEntry));
        REQUIRE(must(without_entry(with)) == list);
        REQUIRE(must(with_entry(with, kEntry)) == with);
        auto expected = Json::parse(list);
        expected["plugins"].push_back(Json::parse(kEntry));
        REQUIRE(Json::parse(with) == expected);
    }
}

}  // namespace
}  // namespace ambient::cni
