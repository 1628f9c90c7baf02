// Finds in the kernel what the wanted state is made from: which device leads to a pod, what our
// address towards pods is, and where the ztunnel's network namespace is. Reads only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/desired/state.hpp"
#include "common/kernel/facts.hpp"
#include "common/kube/objects.hpp"
#include "common/netns/netns.hpp"

namespace ambient::agent {

struct ZtunnelSite {
    Netns netns;
    desired::ZtunnelFacts facts;
};

class Discovery {
  public:
    Discovery(Facts node, std::vector<IpAddress> host_addresses, desired::Datapath datapath)
        : node_(std::move(node)),
          host_addresses_(std::move(host_addresses)),
          datapath_(std::move(datapath)) {}

    // The node's end of the pod's veth. Answers are kept until forget(). Errors: not_found when no
    // host route leads to the address, unsupported when it does not lead to a veth (CONTRACT U11: a
    // bridge is refused before any write).
    Result<std::string> host_link(const IpAddress& pod);
    void forget() { links_.clear(); }
    void forget(const IpAddress& pod) { links_.erase(pod); }

    // Everything about a ztunnel pod as the node sees it.
    Result<desired::Ztunnel> ztunnel(const kube::Pod& pod);
    // One that was found before, as it is now; nothing when its veth is gone.
    std::optional<desired::Ztunnel> again(desired::Ztunnel known);
    // The node's addresses towards its pods: configured, or the source of the route to the
    // ztunnel, never one that
    // only we put there.
    Result<std::vector<IpAddress>> host_addresses(const kube::Pod& ztunnel);
    // The ztunnel's namespace, where the source says, or the one that holds the other end of its
    // veth; and its facts.
    Result<ZtunnelSite> locate(const kube::Pod& ztunnel,
                               const std::vector<IpAddress>& host_addresses);

    // Whether the node reaches the pod's address by a veth whose other end is in that namespace.
    Result<bool> leads_to(const IpAddress& pod, const Netns& netns);

    // Whether the device of this index has one of these names now.
    Result<bool> is_named(std::uint32_t link_index, const std::vector<std::string>& names);

  private:
    // How the node would send there without us.
    Result<std::optional<Path>> path_to(const IpAddress& address);
    Result<void> look_at_veth(desired::Ztunnel& ztunnel);
    // The source itself, or what it stands for.
    Result<std::optional<IpAddress>> nodes_own(const IpAddress& source);

    Facts node_;
    std::vector<IpAddress> host_addresses_;
    desired::Datapath datapath_;
    std::map<IpAddress, std::string> links_;
};

}  // namespace ambient::agent
