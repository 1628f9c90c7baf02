// Which addresses of this node are captured, for which pod, from everything that the source and the
// plugin told us. Incremental: a change costs what it touches, not the size of the node. Pure: no
// kernel, no clock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/container/flat_set.hpp>

#include "common/cni/attachment.hpp"
#include "common/desired/enrolment.hpp"
#include "common/desired/sidecar.hpp"
#include "common/kube/objects.hpp"
#include "node-agent/pods/shared_values.hpp"

namespace ambient::agent {

struct PodId {
    std::string space;  // namespace
    std::string name;

    auto operator<=>(const PodId&) const = default;
};

PodId id_of(const kube::Pod& pod);
std::string to_string(const PodId& id);

// Thousands, told in their order: one block of memory, which goes back to the system.
using SpaceNames = boost::container::flat_set<std::string>;

// A pod that wants an address captured; `comment` goes with the set element.
struct Capture {
    PodId pod;
    std::string comment;
    desired::WithoutZtunnel without_ztunnel = desired::WithoutZtunnel::wait;

    bool operator==(const Capture&) const = default;
};

class PodTable {
  public:
    // `node_name` filters pods; empty takes all.
    PodTable(desired::Policy policy, std::string node_name);
    // No copies: it points into itself.
    PodTable(PodTable&&) = default;
    PodTable& operator=(PodTable&&) = default;

    // One more or another object. Only what the policy reads of it is kept.
    void put(kube::Pod pod);
    void put(const kube::Namespace& space);
    void drop_pod(const PodId& id);
    void drop_namespace(const std::string& name);
    // After a whole list: what it did not show is gone.
    void keep_only_pods(const std::set<PodId>& shown);
    void keep_only_namespaces(const SpaceNames& shown);
    // Everything there is was told once. Until then an absent pod means nothing: nobody is decided
    // about, and nobody may be taken out of the mesh.
    void complete();
    [[nodiscard]] bool is_complete() const { return known_; }
    // All of it at once: the source's whole view.
    void replace(const kube::Objects& objects);

    // Whether the source shows this pod (with this uid, unless that is
    // empty; a static pod goes by two) and its namespace.
    [[nodiscard]] bool shows(const PodId& id, const std::string& uid) const;

    // What the plugin is told about a pod. Nothing until complete(), when the source does
    // not show the pod although its namespace is ambient, or shows another uid: try again later,
    // never guess.
    [[nodiscard]] std::optional<desired::Enrolment> decide(const PodId& id,
                                                           const std::string& uid) const;

    // Of a pod with a sidecar whose traffic is redirected in its own namespace: with what
    // parameters, or which of them is wrong. Nothing for all others.
    [[nodiscard]] std::optional<Result<desired::SidecarParameters>> sidecar_of(
        const PodId& id) const;

    // The plugin attached a pod, enrolled or not, with these addresses: whoever had them before is
    // gone, also when the source still shows it. They are the pod's until it is detached, or until
    // the source shows another pod with them and no longer this one: a runtime whose configuration
    // was without the plugin for a moment tells neither the end of the one nor the start of the
    // other.
    void attach(const cni::Attachment& attachment, const PodId& id,
                const std::vector<IpAddress>& addresses);
    // The attachment is gone; `id` names its pod and `addresses` what the runtime says it had when
    // the attachment is not known here (made before us). The pod gives these addresses up, or all
    // of its when none are named, whatever its status says, until it is attached with them again or
    // is another pod (uid).
    void detach(const cni::Attachment& attachment, const PodId& id,
                const std::vector<IpAddress>& addresses);
    // An attachment remembered by the kernel from before a restart ("<uid>/<container
    // id>/<ifname>"). Dropped again at the next complete() when no pod has this uid.
    void recover(const std::string& uid, const cni::Attachment& attachment,
                 const IpAddress& address);

    // Every captured address.
    [[nodiscard]] const std::map<IpAddress, Capture>& captures() const { return captures_; }
    // Those that are captured for this pod.
    [[nodiscard]] std::vector<IpAddress> captured_addresses(const PodId& id) const;
    // Those that are this pod's now, captured or not: it was attached with them, or its status says
    // so and nobody has a better right.
    [[nodiscard]] std::vector<IpAddress> addresses_of(const PodId& id) const;
    // Addresses whose capture changed since the last call.
    std::set<IpAddress> take_changed();
    // Pods that are shown otherwise, or are captured otherwise, since the last call.
    std::set<PodId> take_changed_pods() { return std::exchange(changed_pods_, {}); }
    // Pods of which sidecar_of() or addresses_of() may say something else since the last call.
    std::set<PodId> take_changed_sidecars() { return std::exchange(changed_sidecars_, {}); }

    // The ztunnel pods of this node, the active one first; empty when none is ready. Pointers until
    // the next change.
    [[nodiscard]] std::vector<const kube::Pod*> ztunnels() const;

    // Whether these changed since the last call.
    bool take_ztunnels_changed() { return std::exchange(ztunnels_changed_, false); }

    // As the source shows it; null when it does not. Until the next change.
    [[nodiscard]] const kube::Pod* find(const PodId& id) const;

    // Every pod that the source shows, of this node. Pointers until the next change.
    [[nodiscard]] std::vector<const kube::Pod*> shown() const;
    [[nodiscard]] std::vector<PodId> shown_ids() const;
    // By name.
    using Spaces = std::map<std::string, std::shared_ptr<const desired::Space>>;
    [[nodiscard]] const Spaces& namespaces() const { return spaces_; }

    // Pods that say that they are a ztunnel and are not believed, each told once.
    std::vector<PodId> take_refused_ztunnels() { return std::exchange(refused_ztunnels_, {}); }
    // How many of them there were so far.
    [[nodiscard]] std::uint64_t ztunnel_claims_refused() const { return ztunnel_claims_refused_; }

    // Everything is known, and there is none.
    [[nodiscard]] bool waits_for_ztunnel() const { return known_ && ztunnels().empty(); }

  private:
    struct Attached {
        PodId pod;
        std::vector<IpAddress> addresses;
    };
    struct Entry {
        std::optional<kube::Pod> pod;  // none: attached, and not shown by the source
        bool was_shown = false;
        std::set<cni::Attachment> attachments;
        std::set<IpAddress> detached;  // what its status may go on telling for a while
        std::set<IpAddress> claims;    // addresses in claims_ with this pod
    };
    // Why an address is a pod's, the stronger reason last.
    enum class Standing : std::uint8_t {
        terminating,  // its status says so
        left_behind,  // it was attached; the source shows it no longer, or with other addresses
        running,      // its status says so
        attached,
    };
    // A pod's word that an address is its own, captured or not.
    struct Claim {
        bool captured = false;
        std::string comment;
        Standing standing = Standing::terminating;
    };

    [[nodiscard]] bool is_of_this_node(const kube::Pod& pod) const;
    void update_pods_of(const std::string& space);
    void set_pod(const PodId& id, std::optional<kube::Pod> pod);
    [[nodiscard]] const desired::Space* space_of(const PodId& id) const;
    [[nodiscard]] desired::WithoutZtunnel without_ztunnel_of(const PodId& id) const;
    [[nodiscard]] desired::Enrolment enrolment_of(const PodId& id, const kube::Pod& pod) const;
    // Brings claims and captures of one pod up to date; forgets it when nothing speaks of it any
    // more.
    void update(const PodId& id);
    [[nodiscard]] std::map<IpAddress, Claim> claims_of(const PodId& id, const Entry& entry) const;
    void choose(const IpAddress& address);
    using Claims = std::map<PodId, Claim>;
    static Claims::const_iterator best_of(const Claims& claims);
    void adopt_recovered();

    bool known_ = false;  // the source has shown everything once
    desired::Policy policy_;
    std::string node_name_;
    SharedValues<desired::Space> kinds_of_space_;
    Spaces spaces_;  // every namespace of the cluster, most of one of a few kinds
    std::map<PodId, Entry> pods_;
    std::map<cni::Attachment, Attached> attachments_;
    std::map<IpAddress, const cni::Attachment*> holders_;  // an address has one attachment at most
    struct Recovered {
        std::string uid;
        std::vector<IpAddress> addresses;
    };
    std::map<cni::Attachment, Recovered> recovered_;
    std::map<IpAddress, Claims> claims_;
    std::map<IpAddress, Capture> captures_;
    std::set<IpAddress> changed_;
    std::set<PodId> changed_pods_;
    std::set<PodId> changed_sidecars_;
    bool ztunnels_changed_ = false;
    std::vector<PodId> refused_ztunnels_;
    std::uint64_t ztunnel_claims_refused_ = 0;
};

}  // namespace ambient::agent
