#include "cni-plugin/datapath.hpp"

#include <memory>
#include <utility>

namespace ambient::plugin {

Result<LinuxKernel> node_kernel() { return LinuxKernel::open_here(TRY(Netns::current())); }

model::Scope whole_scope(const cni::DatapathNames& names) {
    return {.protocol = names.protocol,
            .routes = {{.table = names.route_table}},
            .filter = {{.table = {.name = names.filter_table}, .chains = false}}};
}

model::Scope pods_scope(const cni::DatapathNames& names, const std::vector<IpAddress>& addresses) {
    auto scope = whole_scope(names);
    auto& destinations = scope.routes.front().destinations.emplace();
    for (const auto& address : addresses)
        destinations.push_back(Prefix::host(address));
    scope.filter.front().keys.emplace(addresses.begin(), addresses.end());
    return scope;
}

OpenKernel kernels_of(const Namespaces& namespaces) {
    return [namespaces](const model::Where& where) -> Result<std::unique_ptr<Kernel>> {
        const auto& [node, pod] = namespaces;
        if (!where.pod) return std::make_unique<LinuxKernel>(TRY(LinuxKernel::open_here(node)));
        if (pod->id() != *where.pod) {
            return std::unexpected(
                Error{.kind = ErrorKind::conflict,
                      .doing = "the agent means another network namespace than CNI_NETNS"});
        }
        return std::make_unique<LinuxKernel>(TRY(LinuxKernel::open(*pod)));
    };
}

}  // namespace ambient::plugin
