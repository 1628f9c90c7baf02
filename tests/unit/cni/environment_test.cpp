#include "common/cni/environment.hpp"

#include <map>
#include <string>

#include <doctest/doctest.h>

using namespace ambient;
using cni::Command;

namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

cni::Outcome<cni::Environment> parse(const Variables& variables) {
    return cni::parse_environment([&](std::string_view name) -> std::string_view {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string_view() : found->second;
    });
}

Variables good(std::string command) {
    return {{"CNI_COMMAND", std::move(command)},
            {"CNI_CONTAINERID", "c1"},
            {"CNI_NETNS", "/run/netns/p"},
            {"CNI_IFNAME", "eth0"},
            {"CNI_PATH", "/opt/cni/bin"}};
}

Variables with(std::string name, std::string value, std::string command = "ADD") {
    auto variables = good(std::move(command));
    variables[std::move(name)] = std::move(value);
    return variables;
}

}  // namespace

TEST_CASE("a complete environment is read") {
    const auto parsed = parse(
        with("CNI_ARGS",
             "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=sleep;K8S_POD_UID=8a1c;X=1;"));
    REQUIRE(parsed);
    CHECK(parsed->command == Command::add);
    CHECK(parsed->attachment == cni::Attachment{.container_id = "c1", .ifname = "eth0"});
    CHECK(parsed->netns == "/run/netns/p");
    CHECK(parsed->pod ==
          cni::PodIdentity{.namespace_name = "default", .name = "sleep", .uid = "8a1c"});
}

TEST_CASE("each command needs its own variables and no others") {
    for (const auto* command : {"GC", "STATUS", "VERSION"}) {
        CAPTURE(command);
        CHECK(parse({{"CNI_COMMAND", command}}));
    }
    auto del = good("DEL");
    del.erase("CNI_NETNS");  // the namespace may be gone already
    CHECK(parse(del));

    struct Case {
        std::string command;
        std::string missing;
    };
    for (const auto& [command, missing] : {Case{"ADD", "CNI_CONTAINERID"},
                                           {"ADD", "CNI_NETNS"},
                                           {"ADD", "CNI_IFNAME"},
                                           {"CHECK", "CNI_NETNS"},
                                           {"DEL", "CNI_CONTAINERID"},
                                           {"DEL", "CNI_IFNAME"}}) {
        CAPTURE(command);
        CAPTURE(missing);
        auto variables = good(command);
        variables.erase(missing);
        const auto parsed = parse(variables);
        REQUIRE(!parsed);
        CHECK(parsed.error().code == cni::Code::invalid_environment);
        CHECK(parsed.error().message == missing + " is missing");
    }
}

TEST_CASE("every missing variable is named at once") {
    const auto parsed = parse({{"CNI_COMMAND", "ADD"}});
    REQUIRE(!parsed);
    CHECK(parsed.error().message ==
          "CNI_CONTAINERID is missing; CNI_IFNAME is missing; CNI_NETNS is missing");
}

TEST_CASE("what is no value of its variable is refused, naming the variable") {
    struct Case {
        std::string name;
        std::string value;
    };
    for (const auto& [name, value] : {Case{"CNI_COMMAND", "add"},
                                      {"CNI_COMMAND", "UPDATE"},
                                      {"CNI_CONTAINERID", "-c1"},
                                      {"CNI_CONTAINERID", "c/1"},
                                      {"CNI_CONTAINERID", "c 1"},
                                      {"CNI_IFNAME", "."},
                                      {"CNI_IFNAME", ".."},
                                      {"CNI_IFNAME", "a/b"},
                                      {"CNI_IFNAME", "a:b"},
                                      {"CNI_IFNAME", "a b"},
                                      {"CNI_IFNAME", "sixteen-letters-"},
                                      {"CNI_ARGS", "K8S_POD_NAME"},
                                      {"CNI_ARGS", "=x"},
                                      {"CNI_ARGS", "K8S_POD_NAME=p"},
                                      {"CNI_ARGS", "K8S_POD_NAMESPACE=n"},
                                      {"CNI_ARGS", "COLOUR=red"},
                                      {"CNI_ARGS", "COLOUR=red;IgnoreUnknown=0"}}) {
        CAPTURE(name);
        CAPTURE(value);
        const auto parsed = parse(with(name, value));
        REQUIRE(!parsed);
        CHECK(parsed.error().code == cni::Code::invalid_environment);
        CHECK(parsed.error().message.find(name) != std::string::npos);
    }
}

TEST_CASE("a device name of 15 bytes and a container that is not a pod are fine") {
    CHECK(parse(with("CNI_IFNAME", "fifteen-letters")));
    const auto no_pod = parse(with("CNI_ARGS", ""));
    REQUIRE(no_pod);
    CHECK(no_pod->pod == cni::PodIdentity{});
}
