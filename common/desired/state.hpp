// What must be true in the kernel, from facts: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/desired/config.hpp"
#include "common/desired/lanes.hpp"
#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"

namespace ambient::desired {

// A ztunnel pod of this node as the node sees it: `host_link` is the node's end of its veth, which
// `lacks_address` when it has no IPv4 address but those `lent` by us.
struct Ztunnel {
    std::string host_link;
    std::vector<IpAddress> addresses;
    bool lacks_address = false;
    std::vector<model::InterfaceAddress> lent = {};  // found there
    // None: there was none left for it, or it never was active. What it sends in others' names is
    // reset.
    std::optional<Lane> lane = 0;

    bool operator==(const Ztunnel&) const = default;
};

// One address of a pod whose traffic is captured; `comment` is kept with the set element.
struct EnrolledAddress {
    IpAddress address;
    std::string comment;
    WithoutZtunnel without_ztunnel = WithoutZtunnel::wait;

    auto operator<=>(const EnrolledAddress&) const = default;
};

struct NodeFacts {
    // The node's addresses towards its pods, at most one a family (HOST_IP).
    std::vector<IpAddress> host_addresses;
    // The active one, then the others that run here: the filter knows all of them, so that a switch
    // leaves no moment in which packets of the new or the old one look like a pod's.
    std::vector<Ztunnel> ztunnels;
    std::vector<EnrolledAddress> pods;
    bool dns_capture = false;
    // None is ready: the first of `ztunnels` is the last that was. Without a host_link it is gone.
    bool without_ztunnel = false;

    bool operator==(const NodeFacts&) const = default;
};

// The ztunnel pod from inside: `link` holds its addresses ("eth0").
struct ZtunnelFacts {
    std::string link;
    std::vector<IpAddress> addresses;
    std::vector<IpAddress> host_addresses;

    bool operator==(const ZtunnelFacts&) const = default;
};

// The IP families in which node and active ztunnel both have an address, IPv4 first. What pods do
// with addresses of another one stays outside the mesh (CONTRACT U16).
std::vector<Family> captured_families(const NodeFacts& facts);

// Node namespace, in the families that are captured; nothing is wanted when there is none (or no
// ztunnel). Addresses of a ztunnel, of the node, or
// told twice count once or not at all.
model::NetnsState node_state(const Datapath& datapath, const NodeFacts& facts);
model::Scope node_scope(const Datapath& datapath, const NodeFacts& facts);

// Where a device's reverse-path filter is set.
std::string rp_filter_path(const std::string& link);

// What a ztunnel's veth gets when it has no IPv4 address: the kernel's reverse-path filter refuses
// all that a device without one brings from addresses that are reached by another device
// (net/ipv4/fib_frontend.c, __fib_validate_source, no_addr), and ztunnel sends in pods' names
// (CONTRACT U17). It is the node's own towards its pods: where a CNI sets route_localnet, as Calico
// does, the kernel sends with it, and ztunnel's tunnel ends know the node by that one.
model::InterfaceAddress lent_address(const IpAddress& host, const std::string& link);
// Whether an address of a veth is one that we lent: no CNI gives it such.
bool is_lent(const model::InterfaceAddress& address);

// Ztunnel pod's namespace.
model::NetnsState ztunnel_state(const Datapath& datapath, const ZtunnelFacts& facts);
model::Scope ztunnel_scope(const Datapath& datapath, const ZtunnelFacts& facts);

// Only the part of node_state that belongs to these pods: set elements, host routes. facts.pods is
// not read. Equal to what node_state has for them.
model::NetnsState pods_state(const Datapath& datapath, const NodeFacts& facts,
                             const std::vector<EnrolledAddress>& pods);
// Covers `addresses` whether or not they are still wanted.
model::Scope pods_scope(const Datapath& datapath, const std::vector<IpAddress>& addresses);

}  // namespace ambient::desired
