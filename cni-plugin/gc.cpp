#include <algorithm>
#include <utility>

#include "cni-plugin/agent.hpp"
#include "cni-plugin/datapath.hpp"
#include "cni-plugin/ownership.hpp"
#include "cni-plugin/verbs.hpp"
#include "common/kernel/reconcile.hpp"

namespace ambient::plugin {
namespace {

Result<void> collect(const Call& call) {
    const auto& config = call.config;
    auto kernel = TRY(node_kernel());
    auto found = TRY(kernel.observe(whole_scope(config.datapath)));
    std::vector<IpAddress> addresses;
    std::vector<cni::Attachment> told;
    for (const auto& [address, attachment] :
         stale_elements(found, config.datapath, config.valid_attachments)) {
        addresses.push_back(address);
        if (std::ranges::count(told, attachment) > 0) continue;  // a pod has an address a family
        tell_gone(call, attachment);
        told.push_back(attachment);
    }
    if (addresses.empty()) return {};
    TRY(reconcile(kernel, {}, pods_scope(config.datapath, addresses)));
    return {};
}

}  // namespace

cni::Outcome<std::string> gc(const Call& call) {
    if (const auto collected = collect(call); !collected) {
        return std::unexpected(
            cni::failure_of(collected.error(), "stale attachments cannot be removed"));
    }
    return "";
}

}  // namespace ambient::plugin
