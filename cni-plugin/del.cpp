#include <utility>

#include "cni-plugin/agent.hpp"
#include "cni-plugin/datapath.hpp"
#include "cni-plugin/ownership.hpp"
#include "cni-plugin/verbs.hpp"
#include "common/kernel/reconcile.hpp"

namespace ambient::plugin {
namespace {

Result<void> remove(const Call& call) {
    const auto& [environment, config] = call;
    auto kernel = TRY(node_kernel());
    const auto previous = config.previous ? config.previous->addresses : std::vector<IpAddress>();
    // About the pod's own addresses, at a cost that does not grow with the node, and that others
    // who change their rules meanwhile cannot disturb; about all only where the runtime tells none.
    auto found = TRY(kernel.observe(previous.empty() ? whole_scope(config.datapath)
                                                     : pods_scope(config.datapath, previous)));
    const auto addresses =
        addresses_of(found, config.datapath, environment.attachment, environment.pod.uid, previous);
    if (addresses.empty()) return {};
    TRY(reconcile(kernel, {}, pods_scope(config.datapath, addresses)));
    return {};
}

}  // namespace

cni::Outcome<std::string> del(const Call& call) {
    // First, so that a living agent does not take what we remove for drift.
    tell_gone(call, call.environment.attachment);
    if (const auto removed = remove(call); !removed) {
        return std::unexpected(
            cni::failure_of(removed.error(), "the pod's capture cannot be removed"));
    }
    return "";
}

}  // namespace ambient::plugin
