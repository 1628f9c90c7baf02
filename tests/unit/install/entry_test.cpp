// What the agent tells the plugin, as the plugin understands it.
#include "node-agent/install/entry.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/cni/config.hpp"

namespace ambient::agent {
namespace {

cni::NetworkConfig as_plugin_reads(const config::AgentConfig& config) {
    auto entry = nlohmann::json::parse(plugin_entry(config));
    CHECK(entry["type"] == "ambient-cni");
    // What the runtime adds to each entry of a list (SPEC, section 3).
    entry["cniVersion"] = "1.0.0";
    entry["name"] = "pods";
    const auto parsed = cni::parse_config(entry.dump(), {});
    REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
    return *parsed;
}

void check_agreement(const config::AgentConfig& config) {
    const auto plugin = as_plugin_reads(config);
    CHECK(plugin.agent_socket == config.socket);
    CHECK(plugin.exclude_namespaces == config.policy.excluded_namespaces);
    CHECK((plugin.on_agent_unavailable == cni::WithoutAgent::allow) ==
          (config.install.on_agent_unavailable == config::WithoutAgent::allow));
    CHECK(plugin.datapath.filter_table == config.datapath.filter.table);
    CHECK(plugin.datapath.sets ==
          std::vector{config.datapath.filter.pods4, config.datapath.filter.pods6});
    CHECK(plugin.datapath.route_table == config.datapath.tables.inbound);
    CHECK(plugin.datapath.protocol == config.datapath.protocol);
}

TEST_CASE("with the defaults, only what is likely to change is written") {
    check_agreement({});
    CHECK(!nlohmann::json::parse(plugin_entry({})).contains("datapath"));
}

TEST_CASE("whatever differs, the plugin knows it") {
    config::AgentConfig config;
    config.socket = "/run/other \"quoted\".sock";
    config.policy.excluded_namespaces = {"a", "b"};
    check_agreement(config);
    config.policy.excluded_namespaces.clear();
    config.install.on_agent_unavailable = config::WithoutAgent::allow;
    check_agreement(config);
    auto& datapath = config.datapath;
    SUBCASE("filter table") { datapath.filter.table = "mesh"; }
    SUBCASE("sets") { datapath.filter.pods6 = "p6"; }
    SUBCASE("route table") { datapath.tables.inbound = 200; }
    SUBCASE("protocol") { datapath.protocol = 200; }
    check_agreement(config);
}

}  // namespace
}  // namespace ambient::agent
