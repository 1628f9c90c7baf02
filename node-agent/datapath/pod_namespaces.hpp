// Finds the network namespaces of running pods, by the addresses that they hold. Holds none of them
// open: a namespace lives as long as somebody has it open.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/net/ip_address.hpp"
#include "common/netns/netns.hpp"
#include "node-agent/datapath/discovery.hpp"

namespace ambient::agent {

class PodNamespaces {
  public:
    // `node` is the node's own: it is no pod's, whatever addresses it has.
    PodNamespaces(Discovery discovery, NetnsId node)
        : discovery_(std::move(discovery)), node_(node) {}

    // From now on one who is not found where he was is looked for once more, in all namespaces.
    void look_again();

    // The one that has all these addresses. Where several have, as a pod that may may give itself
    // any address: the one that the pod was `attached` with, else the one at the other end of the
    // veth that the node reaches the first address by. Errors: not_found; conflict, when that does
    // not tell them apart.
    Result<Netns> find(const std::vector<IpAddress>& addresses,
                       const std::optional<NetnsId>& attached);

  private:
    struct Place {
        NetnsId id;
        std::string path;
    };

    Result<void> survey();
    // Those known that still are what they were.
    std::vector<Netns> known(const std::vector<IpAddress>& addresses) const;
    Result<Netns> tell_apart(std::vector<Netns> several, const IpAddress& address,
                             const std::optional<NetnsId>& attached);

    Discovery discovery_;
    NetnsId node_;
    bool surveyed_ = false;
    std::multimap<IpAddress, Place> places_;
};

}  // namespace ambient::agent
