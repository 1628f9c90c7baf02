#include "node-agent/leave/uninstall.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "common/desired/state.hpp"
#include "common/kernel/linux_kernel.hpp"
#include "common/kernel/reconcile.hpp"
#include "common/plan/print.hpp"
#include "common/rpc/client.hpp"
#include "common/rpc/listener.hpp"
#include "node-agent/datapath/discovery.hpp"
#include "node-agent/datapath/sysctl_journal.hpp"
#include "node-agent/install/installer.hpp"
#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

constexpr std::chrono::seconds kProbeTimeout{1};

// Where this node's tunnels lead: the ztunnel pods' addresses.
Result<std::vector<kube::Pod>> tunnel_ends(LinuxKernel& node, const desired::Datapath& datapath) {
    std::vector<kube::Pod> ends;
    const auto found =
        TRY(node.observe({.links = {datapath.inbound.node_link, datapath.outbound.node_link}}));
    for (const auto& link : found.links) {
        if (const auto* geneve = std::get_if<model::Geneve>(&link.kind))
            ends.push_back({.addresses = {geneve->remote}});
    }
    return ends;
}

// Addresses that we lent, but for those that are their device's only one: with the last IPv4
// address of a device the kernel takes every route by it (net/ipv4/fib_frontend.c,
// fib_inetaddr_event), the main CNI's to the ztunnel, too. They go with the pod.
std::vector<model::InterfaceAddress> returned(const std::vector<model::InterfaceAddress>& all) {
    std::vector<model::InterfaceAddress> lent;
    std::ranges::copy_if(all, std::back_inserter(lent), [&](const auto& address) {
        // A copy of what another device has.
        const bool is_lent =
            desired::is_lent(address) && std::ranges::any_of(all, [&](const auto& other) {
                return other.address == address.address && !desired::is_lent(other);
            });
        return is_lent && std::ranges::any_of(all, [&](const auto& other) {
                   return other.link == address.link && other != address &&
                          other.address.family() == Family::ipv4;
               });
    });
    return lent;
}

Result<void> clear(LinuxKernel& kernel, const std::string& site, const model::NetnsState& wanted,
                   const model::Scope& scope) {
    for (const auto& step : TRY(reconcile(kernel, wanted, scope))) {
        log(LogLevel::info, "removed", {{"site", site}, {"step", plan::to_string(step)}});
    }
    return {};
}

}  // namespace

Result<void> uninstall(const config::AgentConfig& config, const std::vector<kube::Pod>& known) {
    if (rpc::Client::connect(config.socket, kProbeTimeout)) {
        return std::unexpected(Error{
            .kind = ErrorKind::conflict,
            .doing = "an agent is running and would put everything back; stop it first. It serves",
            .object = config.socket});
    }
    // First of all, so that no pod starts by way of what is about to go.
    TRY(Installer(config).uninstall());
    TRY(rpc::remove_leftover(config.socket));
    const auto netns = TRY(Netns::current());
    auto node = TRY(LinuxKernel::open(netns, config.sysctl_dir));
    auto journal = TRY(SysctlJournal::load(config.state_dir / "sysctls.conf"));
    Discovery discovery(TRY(Facts::open(netns)), config.host_addresses, config.datapath);

    auto ztunnels = TRY(tunnel_ends(node, config.datapath));
    ztunnels.insert(ztunnels.end(), known.begin(), known.end());
    std::vector<Netns> inside;
    std::set<NetnsId> seen;
    for (const auto& pod : ztunnels) {
        auto site = discovery.locate(pod, {});
        if (!site) {
            log(LogLevel::warning, "ztunnel not found, nothing to remove there", site.error());
        } else if (seen.insert(site->netns.id()).second) {
            inside.push_back(std::move(site->netns));
        }
    }

    model::NetnsState wanted;
    auto scope = desired::node_scope(config.datapath, {});
    auto facts = TRY(Facts::open(netns));
    const auto lent = returned(TRY(facts.addresses()));
    scope.addresses.insert(scope.addresses.end(), lent.begin(), lent.end());
    std::vector<std::string> journalled;
    for (const auto& [path, value] : journal.originals())
        journalled.push_back(path);
    const auto present_now = TRY(node.observe({.sysctls = journalled}));
    for (const auto& present : present_now.sysctls) {
        wanted.sysctls.push_back(
            {.path = present.path, .value = journal.originals().at(present.path)});
    }
    scope.sysctls = journalled;
    // Capture ends here first; then the tunnels' other ends go.
    TRY(clear(node, "node", wanted, scope));
    for (const auto& ztunnel : inside) {
        auto kernel = TRY(LinuxKernel::open(ztunnel, config.sysctl_dir));
        TRY(clear(kernel, "ztunnel", {}, desired::ztunnel_scope(config.datapath, {})));
    }
    return journal.remove();
}

}  // namespace ambient::agent
