#include "node-agent/install/entry.hpp"

#include <nlohmann/json.hpp>

#include "common/cni/config.hpp"
#include "common/cni/conflist.hpp"

namespace ambient::agent {

std::string plugin_entry(const config::AgentConfig& config) {
    nlohmann::ordered_json entry = {{"type", cni::kPluginType},
                                    {"agent_socket", config.socket.native()},
                                    {"exclude_namespaces", config.policy.excluded_namespaces}};
    if (config.install.on_agent_unavailable == config::WithoutAgent::allow)
        entry["on_agent_unavailable"] = "allow";
    const auto& datapath = config.datapath;
    const cni::DatapathNames names = {.filter_table = datapath.filter.table,
                                      .sets = {datapath.filter.pods4, datapath.filter.pods6},
                                      .route_table = datapath.tables.inbound,
                                      .protocol = datapath.protocol};
    if (names != cni::DatapathNames{}) {
        entry["datapath"] = {{"filter_table", names.filter_table},
                             {"sets", names.sets},
                             {"route_table", names.route_table},
                             {"protocol", names.protocol}};
    }
    return entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace ambient::agent
