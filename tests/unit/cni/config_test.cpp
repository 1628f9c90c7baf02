#include "common/cni/config.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace ambient;
using cni::Code;
using cni::Command;
using cni::Version;

namespace {

cni::Environment environment(Command command) {
    return {.command = command,
            .attachment = {.container_id = "c1", .ifname = "eth0"},
            .netns = "/run/netns/p",
            .pod = {}};
}

cni::Outcome<cni::NetworkConfig> parse(std::string_view text, Command command = Command::add) {
    return cni::parse_config(text, environment(command));
}

// A configuration of 1.1.0 with these members more.
std::string config(std::string_view more) {
    return fmt::format(R"({{"cniVersion":"1.1.0","name":"pods","type":"ambient-cni"{}{}}})",
                       more.empty() ? "" : ",", more);
}

}  // namespace

TEST_CASE("all but version and name has a default") {
    const auto parsed = parse(config(""));
    REQUIRE(parsed);
    CHECK(parsed->version == Version::v1_1_0);
    CHECK(parsed->agent_socket == "/run/ambient-cni/agent.sock");
    CHECK(parsed->timeout.count() == 2000);
    CHECK(parsed->exclude_namespaces == std::vector<std::string>{"kube-system", "istio-system"});
    CHECK(parsed->on_agent_unavailable == cni::WithoutAgent::deny);
    CHECK(parsed->datapath == cni::DatapathNames{.filter_table = "ambient",
                                                 .sets = {"pods4", "pods6"},
                                                 .route_table = 100,
                                                 .protocol = 122});
    REQUIRE(!parsed->previous);
    CHECK(parsed->previous.error().code == Code::invalid_config);
}

TEST_CASE("every key of ours is read") {
    const auto parsed = parse(config(
        R"("agent_socket":"/a","timeout_ms":50,"exclude_namespaces":[],"on_agent_unavailable":"allow",
           "datapath":{"filter_table":"t","sets":["s"],"route_table":7,"protocol":255},
           "prevResult":{"ips":[{"address":"10.0.0.1/8"}]},"args":{"x":1},"runtimeConfig":{},"dns":{})"));
    REQUIRE(parsed);
    CHECK(parsed->agent_socket == "/a");
    CHECK(parsed->timeout.count() == 50);
    CHECK(parsed->exclude_namespaces.empty());
    CHECK(parsed->on_agent_unavailable == cni::WithoutAgent::allow);
    CHECK(
        parsed->datapath ==
        cni::DatapathNames{.filter_table = "t", .sets = {"s"}, .route_table = 7, .protocol = 255});
    REQUIRE(parsed->previous);
    CHECK(parsed->previous->addresses == std::vector{IpAddress::v4(10, 0, 0, 1)});
}

TEST_CASE("what cannot be read is refused with the spec's code") {
    struct Case {
        std::string text;
        Code code;
        std::string says;
    };
    const std::string base = R"("name":"n")";
    for (const auto& [text, code, says] : {
             Case{"", Code::decoding_failure, "is empty"},
             {"{", Code::decoding_failure, "not valid JSON"},
             {"[]", Code::decoding_failure, "must be an object"},
             {"{" + base + "}", Code::incompatible_version, "missing"},
             {R"({"cniVersion":"0.2.0"})", Code::incompatible_version, "0.2.0"},
             {R"({"cniVersion":"1.2.0"})", Code::incompatible_version, "1.2.0"},
             {R"({"cniVersion":7})", Code::invalid_config, "cniVersion"},
             {R"({"cniVersion":"1.0.0"})", Code::invalid_config, "name"},
             {R"({"cniVersion":"1.0.0","name":"-n"})", Code::invalid_config, "name"},
             {R"({"cniVersion":"1.0.0","name":7})", Code::invalid_config, "name"},
             {config(R"("agent_socket":"relative")"), Code::invalid_config, "agent_socket"},
             {config(R"("agent_socket":"")"), Code::invalid_config, "agent_socket"},
             {config(fmt::format(R"("agent_socket":"/{}")", std::string(107, 'a'))),
              Code::invalid_config, "agent_socket"},
             {config(R"("timeout_ms":0)"), Code::invalid_config, "timeout_ms"},
             {config(R"("timeout_ms":60001)"), Code::invalid_config, "timeout_ms"},
             {config(R"("timeout_ms":1.5)"), Code::invalid_config, "timeout_ms"},
             {config(R"("timeout_ms":18446744073709551615)"), Code::invalid_config, "timeout_ms"},
             {config(R"("exclude_namespaces":"x")"), Code::invalid_config, "exclude_namespaces"},
             {config(R"("exclude_namespaces":[7])"), Code::invalid_config, "exclude_namespaces"},
             {config(R"("on_agent_unavailable":"maybe")"), Code::invalid_config,
              "on_agent_unavailable"},
             {config(R"("datapath":7)"), Code::invalid_config, "datapath"},
             {config(R"("datapath":{"filter_tabel":"x"})"), Code::unsupported_field,
              R"("datapath.filter_tabel" (with value "x"))"},
             {config(R"("datapath":{"filter_table":""})"), Code::invalid_config,
              "datapath.filter_table"},
             {config(R"("datapath":{"sets":[""]})"), Code::invalid_config, "datapath.sets"},
             {config(R"("datapath":{"route_table":0})"), Code::invalid_config,
              "datapath.route_table"},
             {config(R"("datapath":{"protocol":4})"), Code::invalid_config, "datapath.protocol"},
         }) {
        CAPTURE(text);
        const auto parsed = parse(text);
        REQUIRE(!parsed);
        CHECK(parsed.error().code == code);
        CHECK_MESSAGE(parsed.error().message.find(says) != std::string::npos,
                      parsed.error().message);
    }
}

TEST_CASE("a command that the configuration's version does not know is refused") {
    const auto text = [](Version version) {
        return fmt::format(R"({{"cniVersion":"{}","name":"n","cni.dev/valid-attachments":[]}})",
                           to_string(version));
    };
    for (const auto version : cni::kVersions) {
        CAPTURE(to_string(version));
        CHECK(parse(text(version), Command::add).has_value());
        CHECK(parse(text(version), Command::del).has_value());
        CHECK(parse(text(version), Command::check).has_value() == (version >= Version::v0_4_0));
        CHECK(parse(text(version), Command::gc).has_value() == (version >= Version::v1_1_0));
        CHECK(parse(text(version), Command::status).has_value() == (version >= Version::v1_1_0));
    }
}

TEST_CASE("an unreadable prevResult is a matter of the command, not of the configuration") {
    const auto parsed = parse(config(R"("prevResult":{"ips":7})"), Command::del);
    REQUIRE(parsed);
    CHECK(!parsed->previous);
}

TEST_CASE("GC: the valid attachments, under either name") {
    using Attachments = std::vector<cni::Attachment>;
    const auto gc = [](std::string_view more) { return parse(config(more), Command::gc); };
    const Attachments one = {{.container_id = "c1", .ifname = "eth0"}};
    CHECK(gc(R"("cni.dev/valid-attachments":[{"containerID":"c1","ifname":"eth0"}])")
              ->valid_attachments == one);
    CHECK(
        gc(R"("cni.dev/attachments":[{"containerID":"c1","ifname":"eth0"}])")->valid_attachments ==
        one);
    CHECK(gc(R"("cni.dev/valid-attachments":[])")->valid_attachments.empty());
    CHECK(gc(R"("cni.dev/valid-attachments":null)")->valid_attachments.empty());
    for (const auto* bad :
         {"", R"("cni.dev/valid-attachments":{})", R"("cni.dev/valid-attachments":[7])",
          R"("cni.dev/valid-attachments":[{"containerID":"c1"}])",
          R"("cni.dev/valid-attachments":[{"containerID":7,"ifname":"eth0"}])"}) {
        CAPTURE(bad);
        const auto parsed = gc(bad);
        REQUIRE(!parsed);
        CHECK(parsed.error().code == Code::invalid_config);
    }
}

TEST_CASE("the version to answer in") {
    CHECK(cni::version_to_answer(R"({"cniVersion":"0.4.0"})") == Version::v0_4_0);
    for (const auto* text :
         {"", "{", "[]", "{}", R"({"cniVersion":"9.0.0"})", R"({"cniVersion":7})"}) {
        CHECK(cni::version_to_answer(text) == cni::kLatestVersion);
    }
}
