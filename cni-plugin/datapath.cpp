#include "cni-plugin/datapath.hpp"

#include <utility>

#include "common/kernel/reconcile.hpp"

namespace ambient::plugin {

Result<LinuxKernel> node_kernel() { return LinuxKernel::open(TRY(Netns::current())); }

model::Scope whole_scope(const cni::DatapathNames& names) {
    return {.protocol = names.protocol,
            .routes = {{.table = names.route_table}},
            .filter = {{.table = {.name = names.filter_table}, .chains = false}}};
}

model::Scope pods_scope(const cni::DatapathNames& names, std::vector<IpAddress> addresses) {
    auto scope = whole_scope(names);
    auto& destinations = scope.routes.front().destinations.emplace();
    for (const auto& address : addresses)
        destinations.push_back(Prefix::host(address));
    scope.filter.front().keys = std::move(addresses);
    return scope;
}

Result<void> remove_pods(Kernel& kernel, const model::Scope& scope,
                         std::vector<model::FilterTable> tables) {
    // The table and its sets belong to the agent: they are wanted as they are, less these pods'
    // elements.
    model::NetnsState wanted;
    wanted.tables = std::move(tables);
    for (auto& table : wanted.tables) {
        for (auto& set : table.sets)
            set.elements.clear();
    }
    TRY(reconcile(kernel, wanted, scope));
    return {};
}

}  // namespace ambient::plugin
