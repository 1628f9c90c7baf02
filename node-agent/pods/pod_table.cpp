#include "node-agent/pods/pod_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/rpc/attachment_comment.hpp"

namespace ambient::agent {
namespace {

// As a comment in the kernel tells it, so that one remembered there and one from the plugin are the
// same.
cni::Attachment as_remembered(const cni::Attachment& attachment) {
    return *rpc::parse_comment(rpc::format_comment({.pod_uid = {}, .attachment = attachment}))
                .attachment;
}

bool has(const kube::Pod& pod, const IpAddress& address) {
    return std::ranges::find(pod.addresses, address) != pod.addresses.end();
}

}  // namespace

PodId id_of(const kube::Pod& pod) { return {.space = pod.namespace_name, .name = pod.name}; }

std::string to_string(const PodId& id) { return id.space + "/" + id.name; }

PodTable::PodTable(desired::Policy policy, std::string node_name)
    : policy_(std::move(policy)), node_name_(std::move(node_name)) {}

const desired::Space* PodTable::space_of(const PodId& id) const {
    const auto space = spaces_.find(id.space);
    return space == spaces_.end() ? nullptr : space->second.get();
}

desired::Enrolment PodTable::enrolment_of(const PodId& id, const kube::Pod& pod) const {
    const auto* space = space_of(id);
    return desired::enrolment_of(policy_, pod, space ? &space->labels : nullptr);
}

desired::WithoutZtunnel PodTable::without_ztunnel_of(const PodId& id) const {
    const auto* space = space_of(id);
    return space ? desired::without_ztunnel(policy_, space->annotations) : policy_.without_ztunnel;
}

std::optional<Result<desired::SidecarParameters>> PodTable::sidecar_of(const PodId& id) const {
    const auto* pod = find(id);
    const auto* space = space_of(id);
    const auto& defaults = space ? space->annotations : kube::Labels{};
    if (!policy_.redirect_sidecars || pod == nullptr ||
        !desired::sidecar_of(policy_, *pod, defaults).redirect)
        return std::nullopt;
    auto parameters = desired::sidecar_parameters(*pod, defaults);
    if (!parameters) parameters.error().object = "pod " + to_string(id);
    return parameters;
}

bool PodTable::is_of_this_node(const kube::Pod& pod) const {
    return node_name_.empty() || pod.node_name == node_name_;
}

void PodTable::put(kube::Pod pod) {
    if (!is_of_this_node(pod)) return;
    const auto id = id_of(pod);
    set_pod(id, desired::trimmed(policy_, std::move(pod)));
}

void PodTable::put(const kube::Namespace& space) {
    auto kind = kinds_of_space_.share(desired::trimmed(policy_, space));
    const auto known = spaces_.find(space.name);
    if (known != spaces_.end() && known->second == kind) return;
    spaces_.insert_or_assign(space.name, std::move(kind));
    update_pods_of(space.name);
}

void PodTable::drop_pod(const PodId& id) { set_pod(id, std::nullopt); }

void PodTable::drop_namespace(const std::string& name) {
    if (spaces_.erase(name) > 0) update_pods_of(name);
}

void PodTable::keep_only_pods(const std::set<PodId>& shown) {
    std::vector<PodId> gone;
    for (const auto& [id, entry] : pods_) {
        if (entry.pod && !shown.contains(id)) gone.push_back(id);
    }
    for (const auto& id : gone)
        drop_pod(id);
}

void PodTable::keep_only_namespaces(const SpaceNames& shown) {
    std::vector<std::string> gone;
    for (const auto& [name, labels] : spaces_) {
        if (!shown.contains(name)) gone.push_back(name);
    }
    for (const auto& name : gone)
        drop_namespace(name);
}

void PodTable::complete() {
    known_ = true;
    adopt_recovered();
}

void PodTable::replace(const kube::Objects& objects) {
    SpaceNames spaces;
    for (const auto& space : objects.namespaces) {
        put(space);
        spaces.insert(space.name);
    }
    keep_only_namespaces(spaces);
    std::set<PodId> pods;
    for (const auto& pod : objects.pods) {
        put(pod);
        if (is_of_this_node(pod)) pods.insert(id_of(pod));
    }
    keep_only_pods(pods);
    complete();
}

void PodTable::set_pod(const PodId& id, std::optional<kube::Pod> pod) {
    if (!pod && !pods_.contains(id)) return;
    auto& entry = pods_[id];
    if (entry.pod != pod) changed_pods_.insert(id);
    // Most versions of a pod differ in nothing that decides.
    if (entry.pod && pod) entry.pod->resource_version = pod->resource_version;
    if (entry.pod == pod) return;
    const auto is_ztunnel = [&](const std::optional<kube::Pod>& one) {
        return one && desired::is_ztunnel(policy_, *one);
    };
    ztunnels_changed_ = ztunnels_changed_ || is_ztunnel(entry.pod) || is_ztunnel(pod);
    const auto is_refused = [&](const std::optional<kube::Pod>& one) {
        return one && desired::is_refused_ztunnel(policy_, *one);
    };
    // A mirror pod that was made anew still stands for the same static pod.
    const bool is_another =
        entry.pod && pod && kube::runtime_uid(*entry.pod) != kube::runtime_uid(*pod);
    if (is_refused(pod) && (is_another || !is_refused(entry.pod))) {
        refused_ztunnels_.push_back(id);
        ++ztunnel_claims_refused_;
    }
    if (is_another) entry.detached.clear();
    if (pod && !pod->addresses.empty())
        std::erase_if(entry.detached, [&](const auto& gone) { return !has(*pod, gone); });
    entry.was_shown = entry.was_shown || pod;
    entry.pod = std::move(pod);
    update(id);
}

void PodTable::update_pods_of(const std::string& space) {
    std::vector<PodId> ids;
    for (auto pod = pods_.lower_bound({.space = space, .name = {}});
         pod != pods_.end() && pod->first.space == space; ++pod) {
        ids.push_back(pod->first);
    }
    for (const auto& id : ids) {
        // An annotation of the namespace is its sidecar pods', too.
        if (const auto* pod = find(id); pod != nullptr && pod->proxy) changed_pods_.insert(id);
        update(id);
    }
}

bool PodTable::shows(const PodId& id, const std::string& uid) const {
    const auto entry = pods_.find(id);
    return known_ && space_of(id) != nullptr && entry != pods_.end() && entry->second.pod &&
           kube::may_have_uid(*entry->second.pod, uid);
}

std::optional<desired::Enrolment> PodTable::decide(const PodId& id, const std::string& uid) const {
    if (!known_) return std::nullopt;
    const auto entry = pods_.find(id);
    if (entry != pods_.end() && entry->second.pod) {
        const auto& pod = *entry->second.pod;
        if (!kube::may_have_uid(pod, uid)) return std::nullopt;
        return enrolment_of(id, pod);
    }
    const kube::Pod unknown{.namespace_name = id.space, .name = id.name};
    auto enrolment = enrolment_of(id, unknown);
    if (enrolment.enrolled) return std::nullopt;
    return enrolment;
}

void PodTable::attach(const cni::Attachment& told, const PodId& id,
                      const std::vector<IpAddress>& addresses) {
    const auto attachment = as_remembered(told);
    std::set<cni::Attachment> stale;
    if (attachments_.contains(attachment)) stale.insert(attachment);
    for (const auto& address : addresses) {
        const auto holder = holders_.find(address);
        if (holder != holders_.end()) stale.insert(*holder->second);
    }
    for (const auto& other : stale)
        detach(other, {}, {});
    // A container without a pod's name (`ctr run --cni`): the source knows whose address it is.
    if (id == PodId{}) return;
    const auto made = attachments_.emplace(attachment, Attached{.pod = id, .addresses = addresses});
    for (const auto& address : addresses)
        holders_[address] = &made.first->first;
    auto& entry = pods_[id];
    entry.attachments.insert(attachment);
    for (const auto& address : addresses)
        entry.detached.erase(address);
    update(id);
}

void PodTable::detach(const cni::Attachment& told, const PodId& id,
                      const std::vector<IpAddress>& addresses) {
    const auto attachment = as_remembered(told);
    recovered_.erase(attachment);
    Attached gone{.pod = id, .addresses = addresses};
    if (const auto known = attachments_.find(attachment); known != attachments_.end()) {
        gone = std::move(known->second);
        for (const auto& address : gone.addresses)
            holders_.erase(address);
        attachments_.erase(known);
    }
    const auto found = pods_.find(gone.pod);
    if (found == pods_.end()) return;
    auto& entry = found->second;
    entry.attachments.erase(attachment);
    if (gone.addresses.empty() && entry.attachments.empty() && entry.pod)
        gone.addresses = entry.pod->addresses;
    entry.detached.insert(gone.addresses.begin(), gone.addresses.end());
    update(gone.pod);
}

void PodTable::recover(const std::string& uid, const cni::Attachment& attachment,
                       const IpAddress& address) {
    auto& recovered = recovered_[attachment];
    recovered.uid = uid;
    recovered.addresses.push_back(address);
}

void PodTable::adopt_recovered() {
    const auto recovered = std::exchange(recovered_, {});
    if (recovered.empty()) return;
    // An annotation may say anything; a uid is the API server's: where both fit, that one counts.
    std::map<std::string, PodId> by_uid;
    for (const auto& [id, entry] : pods_) {
        if (entry.pod) by_uid.emplace(entry.pod->uid, id);
    }
    for (const auto& [id, entry] : pods_) {
        if (entry.pod && !entry.pod->static_uid.empty()) by_uid.emplace(entry.pod->static_uid, id);
    }
    for (const auto& [attachment, what] : recovered) {
        const auto pod = by_uid.find(what.uid);
        if (pod != by_uid.end()) attach(attachment, pod->second, what.addresses);
    }
}

std::map<IpAddress, PodTable::Claim> PodTable::claims_of(const PodId& id,
                                                         const Entry& entry) const {
    std::map<IpAddress, Claim> claims;
    // An attachment of a pod that the source does not show holds its address, so that nobody else's
    // capture applies.
    const auto pod = entry.pod.value_or(kube::Pod{});
    if (pod.host_network || desired::is_finished(pod)) return claims;
    const bool captured = entry.pod && enrolment_of(id, pod).enrolled;
    for (const auto& address : pod.addresses) {
        if (entry.detached.contains(address)) continue;
        claims[address] = {.captured = captured,
                           .comment = rpc::format_comment({.pod_uid = kube::runtime_uid(pod)}),
                           .standing = pod.terminating ? Standing::terminating : Standing::running};
    }
    const bool is_gone = entry.was_shown && !entry.pod;
    for (const auto& attachment : entry.attachments) {
        for (const auto& address : attachments_.at(attachment).addresses) {
            const bool has_others = !pod.addresses.empty() && !has(pod, address);
            claims[address] = {
                .captured = captured,
                .comment = rpc::format_comment(
                    {.pod_uid = kube::runtime_uid(pod), .attachment = attachment}),
                .standing = is_gone || has_others ? Standing::left_behind : Standing::attached};
        }
    }
    return claims;
}

void PodTable::update(const PodId& id) {
    const auto found = pods_.find(id);
    if (found == pods_.end()) return;
    auto& entry = found->second;
    auto touched = std::exchange(entry.claims, {});
    for (const auto& address : touched)
        claims_[address].erase(id);
    for (auto& [address, claim] : claims_of(id, entry)) {
        claims_[address].insert_or_assign(id, std::move(claim));
        entry.claims.insert(address);
        touched.insert(address);
    }
    if (policy_.redirect_sidecars && (!entry.pod || entry.pod->proxy)) changed_sidecars_.insert(id);
    if (!entry.pod && entry.attachments.empty()) pods_.erase(found);
    for (const auto& address : touched)
        choose(address);
}

PodTable::Claims::const_iterator PodTable::best_of(const Claims& claims) {
    const auto standing = [](const auto& claim) { return claim.second.standing; };
    return std::ranges::max_element(claims, {}, standing);
}

// One address has one owner.
void PodTable::choose(const IpAddress& address) {
    const auto claims = claims_.find(address);
    std::optional<Capture> winner;
    if (claims->second.empty()) {
        claims_.erase(claims);
    } else {
        const auto best = best_of(claims->second);
        if (best->second.captured)
            winner = Capture{.pod = best->first,
                             .comment = best->second.comment,
                             .without_ztunnel = without_ztunnel_of(best->first)};
    }
    const auto old = captures_.find(address);
    if (winner ? old != captures_.end() && old->second == *winner : old == captures_.end()) return;
    changed_.insert(address);
    if (old != captures_.end()) changed_pods_.insert(old->second.pod);
    if (winner) changed_pods_.insert(winner->pod);
    if (winner) {
        captures_.insert_or_assign(address, *std::move(winner));
    } else {
        captures_.erase(old);
    }
}

std::vector<IpAddress> PodTable::captured_addresses(const PodId& id) const {
    const auto entry = pods_.find(id);
    if (entry == pods_.end()) return {};
    std::vector<IpAddress> captured;
    std::ranges::copy_if(entry->second.claims, std::back_inserter(captured),
                         [&](const IpAddress& address) {
                             const auto capture = captures_.find(address);
                             return capture != captures_.end() && capture->second.pod == id;
                         });
    return captured;
}

std::vector<IpAddress> PodTable::addresses_of(const PodId& id) const {
    const auto entry = pods_.find(id);
    if (entry == pods_.end()) return {};
    std::vector<IpAddress> addresses;
    std::ranges::copy_if(
        entry->second.claims, std::back_inserter(addresses),
        [&](const IpAddress& address) { return best_of(claims_.at(address))->first == id; });
    return addresses;
}

std::set<IpAddress> PodTable::take_changed() { return std::exchange(changed_, {}); }

const kube::Pod* PodTable::find(const PodId& id) const {
    const auto entry = pods_.find(id);
    return entry != pods_.end() && entry->second.pod ? &*entry->second.pod : nullptr;
}

std::vector<const kube::Pod*> PodTable::shown() const {
    std::vector<const kube::Pod*> pods;
    for (const auto& [id, entry] : pods_) {
        if (entry.pod) pods.push_back(&*entry.pod);
    }
    return pods;
}

std::vector<PodId> PodTable::shown_ids() const {
    std::vector<PodId> ids;
    for (const auto& [id, entry] : pods_) {
        if (entry.pod) ids.push_back(id);
    }
    return ids;
}

std::vector<const kube::Pod*> PodTable::ztunnels() const {
    return desired::ztunnels(policy_, shown());
}

}  // namespace ambient::agent
