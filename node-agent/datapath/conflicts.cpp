#include "node-agent/datapath/conflicts.hpp"

namespace ambient::agent {

Conflicts weigh(const std::vector<plan::Conflict>& conflicts, std::uint32_t inbound_table,
                const std::function<bool(const IpAddress&)>& is_pods) {
    Conflicts weighed;
    for (const auto& conflict : conflicts) {
        const auto* route = std::get_if<model::Route>(&conflict.foreign);
        if (route && route->table == inbound_table && route->destination.is_host() &&
            is_pods(route->destination.address())) {
            weighed.of_pods.emplace(route->destination.address(), conflict);
        } else if (std::holds_alternative<model::PolicyRule>(conflict.foreign)) {
            weighed.beside.push_back(conflict);
        } else {
            weighed.in_the_way.push_back(conflict);
        }
    }
    return weighed;
}

}  // namespace ambient::agent
