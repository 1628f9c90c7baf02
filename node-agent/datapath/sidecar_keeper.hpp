// Keeps the rules of this node's sidecar pods right, each in the pod's own network namespace. One
// that cannot be put right is its own trouble, and nobody else's. One thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/config/agent_config.hpp"
#include "common/model/part.hpp"
#include "node-agent/datapath/pod_namespaces.hpp"
#include "node-agent/datapath/stats.hpp"
#include "node-agent/pods/pod_captures.hpp"
#include "node-agent/pods/pod_table.hpp"

namespace ambient::agent {

class SidecarKeeper {
  public:
    // For the node in whose network namespace the calling thread is.
    static Result<SidecarKeeper> open(const config::AgentConfig& config, PodTable& pods);

    // What the pod's own namespace must hold, for the plugin. Errors: not_found when it is no such
    // pod; as PodTable::sidecar_of().
    [[nodiscard]] Result<model::Part> part_of(const PodId& pod, const Netns& netns) const;
    // The plugin makes it now: what is seen meanwhile is its work, no drift.
    void programming(const PodId& pod) { programming_.insert(pod); }
    // It has: exactly that must be there.
    Result<void> verify(const PodId& pod, const Netns& netns);
    // It was given up, or its plugin ended without a word.
    void given_up(const PodId& pod);

    // Marks all of them as to be looked at.
    void look_at_all();
    // Whether settle_next() has something to do.
    bool has_work();
    // Looks at one pod, and puts right what is not.
    void settle_next();

    // Why the pod is not redirected, or what is beside its rules.
    [[nodiscard]] std::optional<PodCapture> trouble_of(const PodId& pod) const;
    // Of which pods that may have changed since the last call.
    std::set<PodId> take_changed_pods() { return std::exchange(changed_pods_, {}); }
    [[nodiscard]] SidecarStats stats() const;

  private:
    using Parameters = Result<desired::SidecarParameters>;
    struct Hold {
        std::string uid;  // another pod of the name is nobody that we know
        std::optional<NetnsId> attached = std::nullopt;
        std::vector<IpAddress> addresses = {};
        std::optional<desired::SidecarParameters> right = std::nullopt;  // as last seen to be there
        std::optional<Error> trouble = std::nullopt;
        bool was_right = false;  // once
        // It started without any of its rules, and that is not ours to mend. One that loses them
        // later would lose them again.
        bool is_bare = false;
    };

    SidecarKeeper(const config::AgentConfig& config, PodTable& pods, PodNamespaces namespaces);
    // Nothing: the pod has no sidecar of ours, or is on its way out.
    [[nodiscard]] std::optional<Parameters> wanted(const PodId& id) const;
    [[nodiscard]] Result<model::Part> part_in(const Netns& netns,
                                              const desired::SidecarParameters& parameters) const;
    [[nodiscard]] bool is_known(const PodId& id) const;
    Hold& hold_of(const PodId& id);
    void forget(const PodId& id);
    Result<void> try_settle(const PodId& id, const Parameters& parameters, Hold& hold);
    Result<void> settle_in(const Netns& netns, const PodId& id,
                           const desired::SidecarParameters& parameters, bool changed, Hold& hold);
    void note(const PodId& id, Hold& hold, const Result<void>& outcome);

    config::AgentConfig config_;
    PodTable& pods_;
    PodNamespaces namespaces_;
    std::map<PodId, Hold> holds_;
    std::set<PodId> queue_;  // to be looked at
    std::set<PodId> programming_;
    std::set<PodId> changed_pods_;
    SidecarStats stats_;
};

}  // namespace ambient::agent
