#include "node-agent/datapath/keeper.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <ranges>
#include <utility>

#include "common/rpc/attachment_comment.hpp"
#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

Error no_ztunnel() {
    return Error{
        .kind = ErrorKind::unavailable,
        .doing =
            "no ztunnel pod is running and ready on this node; see that its DaemonSet is healthy"};
}

// CONTRACT U16.
Error no_common(Family family) {
    return Error{.kind = ErrorKind::unsupported,
                 .doing =
                     "pods' addresses of a family in which this node (host_addresses) or its "
                     "ztunnel has none stay outside the mesh:",
                 .object = family == Family::ipv4 ? "IPv4" : "IPv6"};
}

bool covers(const desired::NodeFacts& node, Family family) {
    return std::ranges::count(desired::captured_families(node), family) > 0;
}

bool share_family(const std::vector<IpAddress>& some, const std::vector<IpAddress>& others) {
    return std::ranges::find_first_of(some, others, {}, &IpAddress::family, &IpAddress::family) !=
           some.end();
}

// `sysctls` is sorted, as in every state.
bool has_path(const std::vector<model::Sysctl>& sysctls, const std::string& path) {
    return std::ranges::binary_search(sysctls, path, {}, &model::Sysctl::path);
}

}  // namespace

Keeper::Keeper(const config::AgentConfig& config, PodTable& pods, LinuxKernel kernel,
               Discovery discovery, netlink::Conntrack conntrack, SysctlJournal journal)
    : config_(config),
      pods_(pods),
      node_("node", std::move(kernel)),
      discovery_(std::move(discovery)),
      lanes_(config.datapath),
      conntrack_(std::move(conntrack)),
      journal_(std::move(journal)) {
    stats_.unverified_since = std::chrono::steady_clock::now();
}

Result<Keeper> Keeper::open(const config::AgentConfig& config, PodTable& pods) {
    const auto netns = TRY(Netns::current());
    auto kernel = TRY(LinuxKernel::open(netns, config.sysctl_dir));
    auto facts = TRY(Facts::open(netns));
    auto journal = TRY(SysctlJournal::load(config.state_dir / "sysctls.conf"));
    return Keeper(config, pods, std::move(kernel),
                  Discovery(std::move(facts), config.host_addresses, config.datapath),
                  TRY(netlink::Conntrack::open(netns)), std::move(journal));
}

Result<void> Keeper::recover() {
    const auto& datapath = config_.datapath;
    model::Scope scope{.protocol = datapath.protocol,
                       .filter = {{.table = {.name = datapath.filter.table}, .chains = false}}};
    for (const std::uint32_t table : desired::lane_tables(datapath))
        scope.routes.push_back({.table = table});
    const auto found = TRY(node_.kernel().observe(scope));
    lanes_.recover(found.routes);
    for (const auto& table : found.tables) {
        for (const auto& set : table.sets) {
            for (const auto& element : set.elements) {
                const auto* address = std::get_if<IpAddress>(&element.key);
                if (address == nullptr) continue;
                const auto owner = rpc::parse_comment(element.comment);
                held_before_.emplace(*address, owner.pod_uid);
                if (owner.attachment) pods_.recover(owner.pod_uid, *owner.attachment, *address);
            }
        }
    }
    return {};
}

bool Keeper::is_held(const IpAddress& address, const Capture& capture) const {
    const auto known = enrolled_.find(address);
    if (known != enrolled_.end() && known->second.comment == capture.comment) return true;
    const auto uid = rpc::parse_comment(capture.comment).pod_uid;
    if (known != enrolled_.end()) return rpc::parse_comment(known->second.comment).pod_uid == uid;
    const auto before = held_before_.find(address);
    return !facts_ && before != held_before_.end() && before->second == uid;
}

// A pod that is captured stays so, whatever the kernel says of the way to it: only the source lets
// it go. One that is not yet needs a veth that leads to it (CONTRACT U11).
Result<desired::EnrolledAddress> Keeper::captured(const desired::NodeFacts& node,
                                                  const IpAddress& address,
                                                  const Capture& capture) {
    if (!covers(node, address.family())) return std::unexpected(no_common(address.family()));
    if (!is_held(address, capture)) TRY(discovery_.host_link(address));
    return desired::EnrolledAddress{
        .address = address, .comment = capture.comment, .without_ztunnel = capture.without_ztunnel};
}

std::optional<desired::EnrolledAddress> Keeper::enrolled(const desired::NodeFacts& node,
                                                         const IpAddress& address) {
    const auto capture = pods_.captures().find(address);
    if (capture == pods_.captures().end()) {
        outside_.erase(address);
        return std::nullopt;
    }
    auto pod = captured(node, address, capture->second);
    if (pod) {
        outside_.erase(address);
        return *std::move(pod);
    }
    Outside outside = {.why = describe(pod.error()), .is_nodes = !covers(node, address.family())};
    if (std::exchange(outside_[address], outside) != outside) {
        log(LogLevel::warning, "pod not captured",
            {{"pod", to_string(capture->second.pod)},
             {"address", ambient::to_string(address)},
             {"reason", outside.why}});
    }
    return std::nullopt;
}

// With src_valid_mark the kernel looks for a packet's sender by the packet's mark, so by our
// tables, and takes it for forged (net/ipv4/fib_frontend.c, __fib_validate_source; CONTRACT U17).
Result<void> Keeper::check_reverse_lookups() {
    const auto found = TRY(node_.kernel().observe(
        {.sysctls = {"net/ipv4/conf/all/src_valid_mark", "net/ipv4/conf/default/src_valid_mark"}}));
    for (const auto& [path, value] : found.sysctls) {
        if (value == "0") continue;
        return std::unexpected(
            Error{.kind = ErrorKind::conflict,
                  .doing = "captured packets would be dropped as forged; set to 0 the sysctl",
                  .object = path});
    }
    return {};
}

Result<Keeper::Wanted> Keeper::discover() {
    const auto ztunnels = pods_.ztunnels();
    if (ztunnels.empty()) return std::unexpected(no_ztunnel());
    TRY(check_reverse_lookups());
    const auto& active = *ztunnels.front();
    desired::NodeFacts node;
    node.host_addresses = TRY(discovery_.host_addresses(active));
    node.ztunnels.push_back(TRY(discovery_.ztunnel(active)));
    for (const auto* other : ztunnels | std::views::drop(1)) {
        // One that is on its way in or out may have no route (yet, or any more).
        if (auto ztunnel = discovery_.ztunnel(*other)) node.ztunnels.push_back(*std::move(ztunnel));
    }
    node.ztunnels = lanes_.assign(std::move(node.ztunnels), [&](const desired::Ztunnel& known) {
        return discovery_.again(known);
    });
    if (!share_family(node.host_addresses, active.addresses)) {
        return std::unexpected(
            invalid_input("host_addresses and the ztunnel " + to_string(active.addresses.front()) +
                          " have no address family in common; correct host_addresses"));
    }
    node.dns_capture = desired::wants_dns_capture(config_.policy, active);
    auto site = TRY(discovery_.locate(active, node.host_addresses));
    for (const auto& [address, capture] : pods_.captures()) {
        if (auto pod = enrolled(node, address)) node.pods.push_back(*std::move(pod));
    }
    return Wanted{.node = std::move(node),
                  .ztunnel = std::move(site.facts),
                  .ztunnel_netns = std::move(site.netns),
                  .ztunnel_pod = &active};
}

Result<void> Keeper::hold(const Netns& netns, const kube::Pod& pod) {
    if (ztunnel_ && ztunnel_->id == netns.id()) {
        ztunnel_->pod_uid = pod.uid;
        return {};
    }
    auto kernel = TRY(LinuxKernel::open(netns, config_.sysctl_dir));
    if (last_ztunnel_ && *last_ztunnel_ != netns.id()) ++stats_.ztunnel_switches;
    last_ztunnel_ = netns.id();
    ztunnel_ = std::make_unique<ZtunnelHold>(netns.id(), pod.uid,
                                             Target("ztunnel", std::move(kernel)), std::nullopt);
    return {};
}

void Keeper::let_go_of_ztunnel() {
    if (!ztunnel_) return;
    const auto shown = pods_.shown();
    const bool is_shown = std::ranges::any_of(
        shown, [&](const kube::Pod* pod) { return pod->uid == ztunnel_->pod_uid; });
    if (!is_shown) ztunnel_.reset();
}

Result<void> Keeper::settle() {
    let_go_of_ztunnel();
    return note(try_settle(), stats_.all);
}

Result<void> Keeper::settle(const std::set<IpAddress>& addresses, bool changed) {
    if (!facts_ || !ready()) return settle();
    return note(try_settle(addresses, changed), stats_.pods);
}

Result<void> Keeper::note(Result<void> outcome, Tries& tries) {
    tries.count(outcome.has_value());
    if (outcome) {
        stats_.last_verified = std::chrono::system_clock::now();
        stats_.unverified_since.reset();
    } else if (!stats_.unverified_since) {
        stats_.unverified_since = std::chrono::steady_clock::now();
    }
    auto trouble = outcome ? std::nullopt : std::optional(outcome.error());
    // It is every pod's.
    if (trouble_ != trouble) changed_pods_.all = true;
    trouble_ = std::move(trouble);
    return outcome;
}

Result<void> Keeper::try_settle() {
    changed_pods_.all = true;
    if (pods_.ztunnels().empty()) return settle_without_ztunnel();
    auto wanted = TRY(discover());
    name_lanes();
    TRY(hold(wanted.ztunnel_netns, *wanted.ztunnel_pod));
    // The ztunnel's side first: nothing is led into a tunnel whose other end was never right. One
    // that was, and has trouble now, does not hold up the node.
    const bool was_right = ztunnel_->facts == wanted.ztunnel;
    auto beside = settle_ztunnel(std::move(wanted.ztunnel));
    if (!beside && !was_right) return std::unexpected(beside.error());
    auto of_node = TRY(settle_node(std::move(wanted.node)));
    if (!beside) return std::unexpected(beside.error());
    std::ranges::move(of_node, std::back_inserter(*beside));
    name_beside(*std::move(beside));
    return {};
}

Result<void> Keeper::settle_without_ztunnel() {
    // What stands is an earlier agent's.
    if (!facts_) return std::unexpected(no_ztunnel());
    auto node = *facts_;
    node.ztunnels = lanes_.assign({}, [&](const auto& known) { return discovery_.again(known); });
    name_lanes();
    const auto& last = facts_->ztunnels.front().addresses;
    if (node.ztunnels.empty() || node.ztunnels.front().addresses != last)
        node.ztunnels.insert(node.ztunnels.begin(), {.addresses = last, .lane = std::nullopt});
    for (const auto& [address, capture] : pods_.captures()) {
        if (auto pod = enrolled(node, address)) node.pods.push_back(*std::move(pod));
    }
    if (!std::exchange(node.without_ztunnel, true)) {
        const auto those = [&](desired::WithoutZtunnel choice) {
            return std::ranges::count(node.pods, choice,
                                      &desired::EnrolledAddress::without_ztunnel);
        };
        log(LogLevel::warning, "without ztunnel",
            {{"waiting", those(desired::WithoutZtunnel::wait)},
             {"outside_the_mesh", those(desired::WithoutZtunnel::bypass)},
             {"reset", those(desired::WithoutZtunnel::reset)}});
    }
    name_beside(TRY(settle_node(std::move(node))));
    return std::unexpected(no_ztunnel());
}

Result<std::vector<plan::Conflict>> Keeper::settle_ztunnel(desired::ZtunnelFacts facts) {
    auto conflicts =
        weigh(TRY(ztunnel_->target.settle(desired::ztunnel_state(config_.datapath, facts),
                                          desired::ztunnel_scope(config_.datapath, facts),
                                          ztunnel_->facts != facts, stats_.drift)),
              config_.datapath.tables.inbound, [](const auto&) { return false; });
    if (!conflicts.in_the_way.empty())
        return std::unexpected(plan::conflict_error(conflicts.in_the_way));
    ztunnel_->facts = std::move(facts);
    return std::move(conflicts.beside);
}

Result<std::vector<plan::Conflict>> Keeper::settle_node(desired::NodeFacts facts) {
    auto state = desired::node_state(config_.datapath, facts);
    auto scope = desired::node_scope(config_.datapath, facts);
    std::vector<std::string> restore;
    for (const auto& [path, value] : journal_.originals()) {
        if (!has_path(state.sysctls, path)) restore.push_back(path);
    }
    TRY(journal(state, scope, restore));
    auto pods = std::exchange(facts.pods, {});
    const bool changed =
        facts_ != facts || !std::ranges::equal(pods, enrolled_ | std::views::values);
    auto conflicts = weigh_pods(TRY(node_.settle(state, scope, changed, stats_.drift)));
    TRY(journal_.forget(restore));
    if (!conflicts.in_the_way.empty())
        return std::unexpected(plan::conflict_error(conflicts.in_the_way));
    conflicted_ = std::move(conflicts.of_pods);
    if (changed) {
        enrolled_.clear();
        for (auto& pod : pods)
            enrolled_.emplace(pod.address, std::move(pod));
    }
    facts_ = std::move(facts);
    return std::move(conflicts.beside);
}

Result<void> Keeper::try_settle(const std::set<IpAddress>& addresses, bool changed) {
    std::vector<desired::EnrolledAddress> pods;
    for (const auto& address : addresses) {
        const auto capture = pods_.captures().find(address);
        if (capture != pods_.captures().end()) changed_pods_.pods.insert(capture->second.pod);
        if (auto pod = enrolled(*facts_, address)) pods.push_back(*std::move(pod));
    }
    const auto state = desired::pods_state(config_.datapath, *facts_, pods);
    const auto scope = desired::pods_scope(config_.datapath, {addresses.begin(), addresses.end()});
    auto conflicts = weigh_pods(TRY(node_.settle(state, scope, changed, stats_.drift)));
    for (const auto& address : addresses) {
        enrolled_.erase(address);
        conflicted_.erase(address);
    }
    conflicted_.merge(conflicts.of_pods);
    for (auto& pod : pods)
        enrolled_.emplace(pod.address, pod);
    return {};
}

Conflicts Keeper::weigh_pods(const std::vector<plan::Conflict>& conflicts) const {
    return weigh(conflicts, config_.datapath.tables.inbound,
                 [&](const IpAddress& address) { return pods_.captures().contains(address); });
}

void Keeper::count_connections() {
    const auto& marks = config_.datapath.marks;
    auto counts = conntrack_.count(marks.original_source, marks.lanes.mask);
    if (!counts) log(LogLevel::debug, "connections not counted", counts.error());
    stats_.lanes = lanes_.stats(counts ? std::optional(*std::move(counts)) : std::nullopt);
}

void Keeper::name_lanes() {
    for (const auto& change : lanes_.take_changes()) {
        log(change.is_cut_off ? LogLevel::warning : LogLevel::info, "ztunnel lane",
            {{"number", change.lane}, {"ztunnel", change.ztunnel}, {"now", change.reason}});
    }
    stats_.lanes_cut_off = lanes_.cut_off();
}

void Keeper::name_beside(std::vector<plan::Conflict> conflicts) {
    if (conflicts != beside_ && !conflicts.empty())
        log(LogLevel::warning, "foreign objects beside ours", plan::conflict_error(conflicts));
    beside_ = std::move(conflicts);
}

std::optional<Error> Keeper::remark() const {
    if (beside_.empty()) return std::nullopt;
    return plan::conflict_error(beside_);
}

std::optional<Error> Keeper::conflict_of(const std::vector<IpAddress>& addresses) const {
    std::vector<plan::Conflict> conflicts;
    for (const auto& address : addresses) {
        const auto found = conflicted_.find(address);
        if (found != conflicted_.end()) conflicts.push_back(found->second);
    }
    if (conflicts.empty()) return std::nullopt;
    return plan::conflict_error(conflicts);
}

Result<void> Keeper::journal(model::NetnsState& wanted, model::Scope& scope,
                             const std::vector<std::string>& restore) {
    // Our own devices' values go with the devices.
    const auto& datapath = config_.datapath;
    const std::vector<std::string> ours = {desired::rp_filter_path(datapath.inbound.node_link),
                                           desired::rp_filter_path(datapath.outbound.node_link)};
    model::Scope unknown;
    for (const auto& sysctl : wanted.sysctls) {
        if (std::ranges::find(ours, sysctl.path) == ours.end() &&
            !journal_.originals().contains(sysctl.path)) {
            unknown.sysctls.push_back(sysctl.path);
        }
    }
    if (!unknown.sysctls.empty())
        TRY(journal_.remember(
            about_to_change(TRY(node_.kernel().observe(unknown)).sysctls, wanted.sysctls)));
    if (restore.empty()) return {};
    // A device that is gone has nothing to restore.
    const auto present_now = TRY(node_.kernel().observe({.sysctls = restore}));
    for (const auto& present : present_now.sysctls) {
        wanted.sysctls.push_back(
            {.path = present.path, .value = journal_.originals().at(present.path)});
        scope.sysctls.push_back(present.path);
    }
    model::sort(wanted);
    return {};
}

Result<model::Part> Keeper::part_of(const std::vector<IpAddress>& addresses) {
    if (!facts_) return std::unexpected(no_ztunnel());
    std::vector<desired::EnrolledAddress> pods;
    std::optional<Error> left_out;
    for (const auto& address : addresses) {
        const auto capture = pods_.captures().find(address);
        if (capture == pods_.captures().end()) continue;
        auto pod = captured(*facts_, address, capture->second);
        if (pod) {
            pods.push_back(*std::move(pod));
        } else if (covers(*facts_, address.family())) {
            return std::unexpected(std::move(pod).error());
        } else {
            left_out = std::move(pod).error();
        }
    }
    if (pods.empty() && left_out) return std::unexpected(*std::move(left_out));
    return model::Part{.wanted = desired::pods_state(config_.datapath, *facts_, pods),
                       .scope = desired::pods_scope(config_.datapath, addresses)};
}

Result<std::string> Keeper::preview() {
    const auto wanted = TRY(discover());
    TRY(hold(wanted.ztunnel_netns, *wanted.ztunnel_pod));
    return TRY(ztunnel_->target.preview(desired::ztunnel_state(config_.datapath, wanted.ztunnel),
                                        desired::ztunnel_scope(config_.datapath, wanted.ztunnel))) +
           TRY(node_.preview(desired::node_state(config_.datapath, wanted.node),
                             desired::node_scope(config_.datapath, wanted.node)));
}

std::optional<PodCapture> Keeper::capture_of(const PodId& pod) const {
    std::optional<PodCapture> whole;
    for (const auto& address : pods_.captured_addresses(pod)) {
        if (!whole) whole = PodCapture{.captured = true};
        if (const auto conflict = conflict_of({address})) {
            whole = PodCapture{.captured = false, .obstacle = describe(*conflict)};
            continue;
        }
        const auto there = enrolled_.find(address);
        const auto& wanted = pods_.captures().at(address);
        if (facts_ && facts_->without_ztunnel &&
            wanted.without_ztunnel == desired::WithoutZtunnel::bypass) {
            whole = PodCapture{.captured = false,
                               .obstacle =
                                   "no ztunnel is ready: new connections pass outside the "
                                   "mesh, as without_ztunnel says"};
            continue;
        }
        if (there != enrolled_.end() && there->second.comment == wanted.comment) continue;
        whole->captured = false;
        const auto outside = outside_.find(address);
        if (outside != outside_.end()) {
            whole->obstacle = outside->second.why;
            whole->is_nodes = outside->second.is_nodes;
        } else if (trouble_ && whole->obstacle.empty() &&
                   (facts_ || !held_before_.contains(address))) {
            whole->obstacle = describe(*trouble_);
            whole->is_nodes = true;
        }
    }
    return whole;
}

ChangedPods Keeper::take_changed_pods() {
    auto changed = std::exchange(changed_pods_, {});
    changed.pods.merge(pods_.take_changed_pods());
    return changed;
}

bool Keeper::is_our_link(std::uint32_t link_index) {
    const auto& datapath = config_.datapath;
    std::vector<std::string> names = {datapath.inbound.node_link, datapath.outbound.node_link};
    if (facts_)
        std::ranges::transform(facts_->ztunnels, std::back_inserter(names),
                               &desired::Ztunnel::host_link);
    return discovery_.is_named(link_index, names).value_or(true);
}

bool Keeper::is_ztunnel_link(const std::string& link) const {
    return facts_ && std::ranges::count(facts_->ztunnels, link, &desired::Ztunnel::host_link) > 0;
}

bool Keeper::is_ztunnel(const IpAddress& address) const {
    return facts_ && std::ranges::any_of(facts_->ztunnels, [&](const desired::Ztunnel& ztunnel) {
               return std::ranges::find(ztunnel.addresses, address) != ztunnel.addresses.end();
           });
}

std::vector<std::uint32_t> Keeper::port_ids() {
    auto ids = node_.kernel().port_ids();
    if (ztunnel_) std::ranges::copy(ztunnel_->target.kernel().port_ids(), std::back_inserter(ids));
    return ids;
}

}  // namespace ambient::agent
