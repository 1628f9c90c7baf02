#include <doctest/doctest.h>

#include "common/cni/config.hpp"
#include "tests/fuzz/mutate.hpp"

using namespace ambient;

namespace {

constexpr std::array<std::string_view, 2> kConfigs = {
    R"({"cniVersion":"1.0.0","name":"pods","type":"ambient-cni","agent_socket":"/run/a.sock","timeout_ms":2000,)"
    R"("exclude_namespaces":["kube-system"],"on_agent_unavailable":"allow",)"
    R"("datapath":{"filter_table":"ambient","sets":["pods4","pods6"],"route_table":100,"protocol":122},)"
    R"("prevResult":{"cniVersion":"0.4.0","interfaces":[{"name":"veth1"},{"name":"eth0","sandbox":"/run/netns/p"}],)"
    R"("ips":[{"version":"4","interface":1,"address":"10.244.1.11/24"},{"address":"fd00::1/64"}],"dns":{}}})",
    R"({"cniVersion":"1.1.0","name":"n","cni.dev/valid-attachments":[{"containerID":"c","ifname":"eth0"}]})"};

constexpr std::array<std::string_view, 1> kArgs = {
    "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=sleep;K8S_POD_UID=8a1c;X=1"};

}  // namespace

TEST_CASE("any network configuration is read or refused with a sentence") {
    int read = 0;
    int refused = 0;
    for (const auto command : {cni::Command::add, cni::Command::gc}) {
        const cni::Environment environment = {.command = command,
                                              .attachment = {.container_id = "c", .ifname = "eth0"},
                                              .netns = {},
                                              .pod = {}};
        fuzz::each_variant(kConfigs, [&](const std::string& text) {
            const auto config = cni::parse_config(text, environment);
            ++(config ? read : refused);
            if (!config) REQUIRE(!config.error().message.empty());
            if (!config) REQUIRE(!to_json(config.error(), cni::version_to_answer(text)).empty());
            // What passes through must be readable again, with the same addresses.
            if (!config || !config->previous) return;
            const auto again = cni::parse_json(config->previous->text, "the result");
            REQUIRE(again);
            const auto reread = cni::read_result(*again, config->version, "eth0");
            REQUIRE(reread);
            REQUIRE(reread->text == config->previous->text);
            REQUIRE(reread->addresses == config->previous->addresses);
            // A doubt quotes its entry, which another version words otherwise.
            REQUIRE(reread->doubt.has_value() == config->previous->doubt.has_value());
        });
    }
    CHECK(read > 100);  // the generator reaches both sides
    CHECK(refused > 100);
}

TEST_CASE("any environment is read or refused with a sentence") {
    int read = 0;
    int refused = 0;
    for (const std::string_view mutated :
         {"CNI_ARGS", "CNI_IFNAME", "CNI_CONTAINERID", "CNI_COMMAND"}) {
        fuzz::each_variant(kArgs, [&](const std::string& text) {
            const auto environment =
                cni::parse_environment([&](std::string_view name) -> std::string_view {
                    if (name == mutated) return text;
                    if (name == "CNI_COMMAND") return "ADD";
                    return name == "CNI_ARGS" ? "" : "x";
                });
            ++(environment ? read : refused);
            if (!environment)
                REQUIRE(environment.error().message.find(mutated) != std::string::npos);
        });
    }
    CHECK(read > 100);
    CHECK(refused > 100);
}
