#include "node-agent/datapath/sidecar_keeper.hpp"

#include <algorithm>
#include <ranges>

#include "common/kernel/linux_kernel.hpp"
#include "common/kernel/sysctl_file.hpp"
#include "common/netns/run_in.hpp"
#include "common/plan/diff.hpp"
#include "common/plan/print.hpp"
#include "node-agent/datapath/target.hpp"
#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

const desired::SidecarNumbers kNumbers;

// lo's own: without IPv6 there it takes no address.
Result<bool> has_ipv6(const Netns& netns) {
    const auto found = TRY(read_sysctls(netns, "/proc/sys", {"net/ipv6/conf/lo/disable_ipv6"}));
    return !found.empty() && found.front().value == "0";
}

// The configuration has pods labelled or deleted, not mended.
Error left_alone(bool bare, const plan::Plan& lacks) {
    if (bare) {
        return Error{.kind = ErrorKind::unavailable,
                     .doing = "its network namespace has none of its sidecar's rules"};
    }
    return Error{.kind = ErrorKind::unavailable,
                 .doing = "its network namespace has other rules than its sidecar needs; it lacks",
                 .object = plan::to_string(lacks)};
}

}  // namespace

SidecarKeeper::SidecarKeeper(const config::AgentConfig& config, PodTable& pods,
                             PodNamespaces namespaces)
    : config_(config), pods_(pods), namespaces_(std::move(namespaces)) {}

Result<SidecarKeeper> SidecarKeeper::open(const config::AgentConfig& config, PodTable& pods) {
    const auto node = TRY(Netns::current());
    Discovery discovery(TRY(Facts::open(node)), config.host_addresses, config.datapath);
    return SidecarKeeper(config, pods, PodNamespaces(std::move(discovery), node.id()));
}

std::optional<SidecarKeeper::Parameters> SidecarKeeper::wanted(const PodId& id) const {
    const auto* pod = pods_.find(id);
    if (pod == nullptr || pod->terminating || desired::is_finished(*pod)) return std::nullopt;
    return pods_.sidecar_of(id);
}

Result<model::Part> SidecarKeeper::part_in(const Netns& netns,
                                           const desired::SidecarParameters& parameters) const {
    const bool ipv6 = TRY(has_ipv6(netns));
    const auto protocol = config_.datapath.protocol;
    return model::Part{.where = {.pod = netns.id()},
                       .wanted = desired::sidecar_state(kNumbers, protocol, parameters, ipv6),
                       .scope = desired::sidecar_scope(kNumbers, protocol)};
}

Result<model::Part> SidecarKeeper::part_of(const PodId& pod, const Netns& netns) const {
    const auto parameters = pods_.sidecar_of(pod);
    if (!parameters) {
        return std::unexpected(Error{.kind = ErrorKind::not_found,
                                     .doing = "find the sidecar of pod",
                                     .object = to_string(pod)});
    }
    return part_in(netns, TRY(*parameters));
}

Result<void> SidecarKeeper::verify(const PodId& pod, const Netns& netns) {
    programming_.erase(pod);
    const auto part = TRY(part_of(pod, netns));
    auto kernel = TRY(LinuxKernel::open(netns));
    const auto found = TRY(kernel.observe(part.scope));
    const auto plan = TRY(plan::diff_without_conflict(part.wanted, found, part.scope));
    if (!plan.empty()) {
        return std::unexpected(Error{.kind = ErrorKind::interrupted,
                                     .doing = "verify what the pod's namespace holds; it lacks",
                                     .object = plan::to_string(plan)});
    }
    auto& hold = hold_of(pod);
    hold.attached = netns.id();
    hold.addresses = pods_.addresses_of(pod);
    hold.right = *pods_.sidecar_of(pod).value();
    note(pod, hold, {});
    return {};
}

void SidecarKeeper::given_up(const PodId& pod) {
    if (programming_.erase(pod) > 0) queue_.insert(pod);
}

void SidecarKeeper::look_at_all() {
    namespaces_.look_again();
    for (auto& id : pods_.shown_ids()) {
        if (holds_.contains(id) || wanted(id)) queue_.insert(std::move(id));
    }
}

// Most changes of a pod change nothing here.
bool SidecarKeeper::is_known(const PodId& id) const {
    const auto hold = holds_.find(id);
    const auto parameters = wanted(id);
    if (hold == holds_.end() || !parameters) return hold == holds_.end() && !parameters;
    return hold->second.right && *parameters && *hold->second.right == **parameters &&
           hold->second.uid == kube::runtime_uid(*pods_.find(id)) &&
           hold->second.addresses == pods_.addresses_of(id);
}

bool SidecarKeeper::has_work() {
    // Until then a namespace's annotations may be missing.
    if (!pods_.is_complete()) return false;
    for (const auto& id : pods_.take_changed_sidecars()) {
        if (!is_known(id)) queue_.insert(id);
    }
    return !queue_.empty();
}

SidecarKeeper::Hold& SidecarKeeper::hold_of(const PodId& id) {
    const auto& uid = kube::runtime_uid(*pods_.find(id));
    auto& hold = holds_[id];
    if (hold.uid != uid) hold = {.uid = uid};
    return hold;
}

// Its rules stay: they are what leads to the proxy, for as long as the pod lives.
void SidecarKeeper::forget(const PodId& id) {
    if (holds_.erase(id) > 0) changed_pods_.insert(id);
}

void SidecarKeeper::settle_next() {
    const auto id = queue_.extract(queue_.begin()).value();
    if (programming_.contains(id)) return;  // it is verified, or given up
    const auto parameters = wanted(id);
    if (!parameters) return forget(id);
    auto& hold = hold_of(id);
    note(id, hold, try_settle(id, *parameters, hold));
}

Result<void> SidecarKeeper::try_settle(const PodId& id, const Parameters& parameters, Hold& hold) {
    const auto& wanted = TRY(parameters);
    hold.addresses = pods_.addresses_of(id);
    // Without one it is not attached yet.
    if (config_.sidecar.repair == config::SidecarRepair::off || hold.addresses.empty()) return {};
    hold.is_bare = false;
    const bool changed = hold.right != wanted;
    hold.right.reset();
    const auto netns = TRY(namespaces_.find(hold.addresses, hold.attached));
    // One thread for all the sockets that are opened there.
    TRY(run_in(netns, [&] { return settle_in(netns, id, wanted, changed, hold); }));
    hold.right = wanted;
    return {};
}

Result<void> SidecarKeeper::settle_in(const Netns& netns, const PodId& id,
                                      const desired::SidecarParameters& parameters, bool changed,
                                      Hold& hold) {
    const auto part = TRY(part_in(netns, parameters));
    Target target("pod " + to_string(id), TRY(LinuxKernel::open(netns)));
    const auto found = TRY(target.kernel().observe(part.scope));
    // Whatever is foreign on our keys: the pod is left as it is.
    const auto plan = TRY(plan::diff_without_conflict(part.wanted, found, part.scope));
    if (plan.empty()) return {};
    const bool bare = found.tables.empty();
    if (config_.sidecar.repair != config::SidecarRepair::in_place) {
        hold.is_bare = bare && !hold.was_right;
        return std::unexpected(left_alone(bare, plan));
    }
    const std::string what = bare ? "missing" : "different";
    log(bare || !changed ? LogLevel::warning : LogLevel::info,
        "sidecar's rules not as they must be",
        {{"pod", to_string(id)}, {"found", what}, {"netns", netns.name()}});
    const auto conflicts = TRY(target.settle(part.wanted, part.scope, changed, stats_.drift));
    if (!conflicts.empty()) return std::unexpected(plan::conflict_error(conflicts));
    ++stats_.repairs[what];
    return {};
}

void SidecarKeeper::note(const PodId& id, Hold& hold, const Result<void>& outcome) {
    auto trouble = outcome ? std::nullopt : std::optional(outcome.error());
    hold.was_right = hold.was_right || hold.right;
    if (hold.trouble == trouble) return;
    if (trouble) {
        log(LogLevel::warning, "sidecar not redirected",
            {{"pod", to_string(id)}, {"reason", describe(*trouble)}});
    }
    hold.trouble = std::move(trouble);
    changed_pods_.insert(id);
}

std::optional<PodCapture> SidecarKeeper::trouble_of(const PodId& pod) const {
    const auto hold = holds_.find(pod);
    if (hold == holds_.end() || !hold->second.trouble) return std::nullopt;
    return PodCapture{.captured = false,
                      .obstacle = describe(*hold->second.trouble),
                      .by_sidecar = true,
                      .is_bare = hold->second.is_bare};
}

SidecarStats SidecarKeeper::stats() const {
    auto stats = stats_;
    for (const auto& hold : holds_ | std::views::values) {
        stats.right += hold.right ? 1 : 0;
        stats.troubled += hold.trouble ? 1 : 0;
    }
    return stats;
}

}  // namespace ambient::agent
