#include "node-agent/datapath/discovery.hpp"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace ambient::agent {
namespace {

Error cannot(ErrorKind kind, std::string why, const IpAddress& address) {
    return Error{.kind = kind, .doing = std::move(why), .object = to_string(address)};
}

const IpAddress& first_address(const kube::Pod& ztunnel) { return ztunnel.addresses.front(); }

}  // namespace

// No rule of ours takes a packet without a mark. Version 0.1.0's did, and still stand when a new
// agent starts: only past its skip mark the other tables are seen.
Result<std::optional<Path>> Discovery::path_to(const IpAddress& address) {
    auto path = TRY(node_.route_to(address));
    if (path && path->table == datapath_.tables.inbound)
        return node_.route_to(address, datapath_.marks.skip.value);
    return path;
}

// Its IPv4 addresses.
Result<void> Discovery::look_at_veth(desired::Ztunnel& ztunnel) {
    auto found = TRY(node_.addresses_of(ztunnel.host_link));
    std::erase_if(found, [](const auto& one) { return one.address.family() != Family::ipv4; });
    ztunnel.lacks_address = std::ranges::all_of(found, desired::is_lent);
    std::erase_if(found, std::not_fn(desired::is_lent));
    ztunnel.lent = std::move(found);
    return {};
}

Result<std::string> Discovery::host_link(const IpAddress& pod) {
    if (const auto known = links_.find(pod); known != links_.end()) return known->second;
    const auto path = TRY(path_to(pod));
    if (!path || path->gateway) {
        return std::unexpected(
            cannot(ErrorKind::not_found, "no device of this node leads to pod address", pod));
    }
    if (!path->to_veth) {
        return std::unexpected(
            cannot(ErrorKind::unsupported,
                   "device " + path->link +
                       " is not a veth (bridged pods are not supported), but leads to pod address",
                   pod));
    }
    links_.emplace(pod, path->link);
    return path->link;
}

Result<desired::Ztunnel> Discovery::ztunnel(const kube::Pod& pod) {
    desired::Ztunnel found{.host_link = TRY(host_link(first_address(pod))),
                           .addresses = pod.addresses};
    TRY(look_at_veth(found));
    return found;
}

// What cannot be told stays as it was.
std::optional<desired::Ztunnel> Discovery::again(desired::Ztunnel known) {
    const auto peer = node_.peer_of(known.host_link);
    if (peer && !*peer) return std::nullopt;
    std::ignore = look_at_veth(known);
    return known;
}

// By a device without an address the kernel sends with the first one of the node
// (net/ipv4/devinet.c, inet_select_addr), but with one that we lent to the device where that has
// route_localnet. What was lent may be the node's no longer.
Result<std::optional<IpAddress>> Discovery::nodes_own(const IpAddress& source) {
    auto all = TRY(node_.addresses());
    std::erase_if(all, [&](const model::InterfaceAddress& one) {
        return one.address.family() != Family::ipv4 || one.scope == model::RouteScope::host ||
               one.link == datapath_.inbound.node_link || one.link == datapath_.outbound.node_link;
    });
    if (std::ranges::count(all, source, &model::InterfaceAddress::address) > 0) return source;
    const auto first =
        std::ranges::find(all, model::RouteScope::universe, &model::InterfaceAddress::scope);
    return first == all.end() ? std::nullopt : std::optional(first->address);
}

Result<std::vector<IpAddress>> Discovery::host_addresses(const kube::Pod& ztunnel) {
    if (!host_addresses_.empty()) return host_addresses_;
    std::vector<IpAddress> sources;
    for (const auto& address : ztunnel.addresses) {
        const auto path = TRY(path_to(address));
        auto source = path ? path->source : std::nullopt;
        if (source && address.family() == Family::ipv4) {
            desired::Ztunnel veth{.host_link = path->link};
            TRY(look_at_veth(veth));
            if (veth.lacks_address) source = TRY(nodes_own(*source));
        }
        if (source) sources.push_back(*source);
    }
    if (sources.empty()) {
        return std::unexpected(
            cannot(ErrorKind::not_found,
                   "this node has no address towards its pods; set host_addresses. Asked for",
                   first_address(ztunnel)));
    }
    return sources;
}

Result<ZtunnelSite> Discovery::locate(const kube::Pod& ztunnel,
                                      const std::vector<IpAddress>& host_addresses) {
    const auto& address = first_address(ztunnel);
    const auto open = [&]() -> Result<Netns> {
        if (!ztunnel.netns_path.empty()) return Netns::open(ztunnel.netns_path);
        const auto link = TRY(host_link(address));
        const auto peer = TRY(node_.peer_of(link));
        auto netns = peer && peer->nsid ? TRY(find_netns(node_, *peer->nsid)) : std::nullopt;
        if (netns) return *std::move(netns);
        return std::unexpected(cannot(ErrorKind::not_found,
                                      "no network namespace here holds the other end of " + link +
                                          "; are /run/netns and /proc of the host visible? ztunnel",
                                      address));
    };
    auto netns = TRY(open());
    auto inside = TRY(Facts::open(netns));
    auto link = TRY(inside.link_of_address(address));
    if (!link) {
        return std::unexpected(
            cannot(ErrorKind::not_found,
                   "namespace " + netns.name() + " does not have the ztunnel's address", address));
    }
    return ZtunnelSite{.netns = std::move(netns),
                       .facts = {.link = *std::move(link),
                                 .addresses = ztunnel.addresses,
                                 .host_addresses = host_addresses}};
}

Result<bool> Discovery::leads_to(const IpAddress& pod, const Netns& netns) {
    const auto peer = TRY(node_.peer_of(TRY(host_link(pod))));
    return peer && peer->nsid && TRY(node_.nsid_of(netns)) == peer->nsid;
}

Result<bool> Discovery::is_named(std::uint32_t link_index, const std::vector<std::string>& names) {
    const auto name = node_.name_of(link_index);
    if (!name) {
        if (name.error().kind == ErrorKind::not_found) return false;
        return std::unexpected(name.error());
    }
    return std::ranges::find(names, *name) != names.end();
}

}  // namespace ambient::agent
