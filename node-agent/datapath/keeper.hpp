// Keeps the datapath of this node right: the node's namespace and the active ztunnel's. Turns what
// we know (PodTable, Discovery) into wanted states and settles them. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/config/agent_config.hpp"
#include "common/netlink/conntrack.hpp"
#include "common/rpc/messages.hpp"
#include "node-agent/datapath/conflicts.hpp"
#include "node-agent/datapath/discovery.hpp"
#include "node-agent/datapath/lane_book.hpp"
#include "node-agent/datapath/stats.hpp"
#include "node-agent/datapath/sysctl_journal.hpp"
#include "node-agent/datapath/target.hpp"
#include "node-agent/pods/pod_captures.hpp"
#include "node-agent/pods/pod_table.hpp"

namespace ambient::agent {

class Keeper {
  public:
    // For the network namespace that the calling thread is in. Nothing is changed yet.
    static Result<Keeper> open(const config::AgentConfig& config, PodTable& pods);

    // Reads what the kernel remembers: into the pod table the attachments that set elements name,
    // and the lanes of ztunnels. Before the first replace() of the table.
    Result<void> recover();

    // Everything: both namespaces, from nothing assumed. Error unavailable when no ztunnel is
    // ready: the kernel is left as it is then, so that captured pods stay captured until the next
    // ztunnel comes.
    Result<void> settle();
    // Only these addresses, at their own cost. Falls back to settle() as long as that never
    // succeeded.
    Result<void> settle(const std::set<IpAddress>& addresses, bool changed);
    // Counts what each ztunnel holds, for stats(): a walk of the kernel over all that it tracks.
    void count_connections();
    // What settle() would do now, printed; changes nothing.
    Result<std::string> preview();
    // Removes what is ours from the node and from every ztunnel namespace that can be found;
    // sysctls as before us.
    Result<void> uninstall();

    // The pod's part for the plugin.
    Result<model::Part> part_of(const std::vector<IpAddress>& addresses);

    // What the last settle() said; null when captures are verified in the kernel.
    [[nodiscard]] const Error* trouble() const { return trouble_ ? &*trouble_ : nullptr; }
    [[nodiscard]] bool ready() const { return !trouble_; }
    // What does not hold anybody up, but somebody should look at: foreign rules beside ours.
    [[nodiscard]] std::optional<Error> remark() const;
    // A line for each ztunnel that holds connections, while there is more than one.
    [[nodiscard]] std::vector<std::string> lanes() const { return lanes_.lines(); }
    // What is foreign where these pods' host routes must be, as an error.
    [[nodiscard]] std::optional<Error> conflict_of(const std::vector<IpAddress>& addresses) const;
    // Of a pod that is to be captured: whether it was when the kernel was last verified.
    [[nodiscard]] std::optional<PodCapture> capture_of(const PodId& pod) const;
    // Of which pods that, or what the table shows, may have changed since the last call.
    ChangedPods take_changed_pods();
    [[nodiscard]] const KeeperStats& stats() const { return stats_; }

    // Routes changed under us: what Discovery remembers, of all or of one, may be wrong.
    void forget_links() { discovery_.forget(); }
    void forget_link(const IpAddress& address) { discovery_.forget(address); }

    // Whether what a device of the node's namespace has is ours to say: our own ones and ztunnels'
    // veths; yes when it cannot be told.
    bool is_our_link(std::uint32_t link_index);
    // Whether this device leads to a ztunnel that the datapath knows.
    [[nodiscard]] bool is_ztunnel_link(const std::string& link) const;
    // Whether one of the ztunnels that the datapath knows has this address.
    [[nodiscard]] bool is_ztunnel(const IpAddress& address) const;

    [[nodiscard]] const Netns& node_netns() { return node_.kernel().netns(); }
    // Null until found. Changes with the active ztunnel.
    [[nodiscard]] const Netns* ztunnel_netns() {
        return ztunnel_ ? &ztunnel_->target.kernel().netns() : nullptr;
    }
    // Of the sockets through which we change kernels: their notifications are echoes.
    [[nodiscard]] std::vector<std::uint32_t> port_ids();

  private:
    struct ZtunnelHold {
        NetnsId id;
        std::string pod_uid;
        Target target;
        std::optional<desired::ZtunnelFacts> facts;  // of the last settle()
    };
    // Why an address that is to be captured is not.
    struct Outside {
        std::string why;
        bool is_nodes = false;  // and nothing about this pod

        bool operator==(const Outside&) const = default;
    };
    struct Wanted {
        desired::NodeFacts node;
        desired::ZtunnelFacts ztunnel;
        Netns ztunnel_netns;
        const kube::Pod* ztunnel_pod;  // until the table changes
    };

    Keeper(const config::AgentConfig& config, PodTable& pods, LinuxKernel kernel,
           Discovery discovery, netlink::Conntrack conntrack, SysctlJournal journal);

    Result<void> note(Result<void> outcome, Tries& tries);
    Result<void> try_settle();
    // While none is ready: what pods do then, and the lanes of those that are gone. Otherwise the
    // kernel stays as it is. An error in any case.
    Result<void> settle_without_ztunnel();
    // One target each; what stands beside ours in it.
    Result<std::vector<plan::Conflict>> settle_ztunnel(desired::ZtunnelFacts facts);
    Result<std::vector<plan::Conflict>> settle_node(desired::NodeFacts facts);
    Result<void> try_settle(const std::set<IpAddress>& addresses, bool changed);
    Result<Wanted> discover();
    Result<void> check_reverse_lookups();
    // Whether the kernel captures the address for this pod already.
    [[nodiscard]] bool is_held(const IpAddress& address, const Capture& capture) const;
    // Error: it cannot be captured on this node, or is not yet and no veth leads to it.
    Result<desired::EnrolledAddress> captured(const desired::NodeFacts& node,
                                              const IpAddress& address, const Capture& capture);
    // Nothing when the address is not to be captured, or cannot be (logged once).
    std::optional<desired::EnrolledAddress> enrolled(const desired::NodeFacts& node,
                                                     const IpAddress& address);
    [[nodiscard]] Conflicts weigh_pods(const std::vector<plan::Conflict>& conflicts) const;
    void name_lanes();
    void name_beside(std::vector<plan::Conflict> conflicts);
    Result<void> hold(const Netns& netns, const kube::Pod& pod);
    // A namespace lives as long as somebody has it open: not longer than the source shows its pod.
    void let_go_of_ztunnel();
    // Journals what `wanted` is about to change, and adds to both what is to be restored (`paths`
    // of the journal).
    Result<void> journal(model::NetnsState& wanted, model::Scope& scope,
                         const std::vector<std::string>& restore);
    config::AgentConfig config_;
    PodTable& pods_;
    Target node_;
    std::unique_ptr<ZtunnelHold> ztunnel_;
    std::optional<NetnsId> last_ztunnel_;
    Discovery discovery_;
    LaneBook lanes_;
    netlink::Conntrack conntrack_;
    SysctlJournal journal_;
    std::optional<desired::NodeFacts> facts_;  // of the last settle(), pods left aside
    std::map<IpAddress, desired::EnrolledAddress> enrolled_;
    // What the kernel captures from before us, for which pod; counts until the first settle() that
    // succeeds.
    std::map<IpAddress, std::string> held_before_;
    std::map<IpAddress, Outside> outside_;
    std::map<IpAddress, plan::Conflict> conflicted_;
    std::vector<plan::Conflict> beside_;
    ChangedPods changed_pods_;
    KeeperStats stats_;
    std::optional<Error> trouble_ =
        Error{.kind = ErrorKind::unavailable, .doing = "nothing was observed yet"};
};

}  // namespace ambient::agent
