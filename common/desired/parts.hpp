// Pieces that the states of node, ztunnel and sidecar pods have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/desired/state.hpp"
#include "common/model/filter_rule.hpp"

namespace ambient::desired {

// Where nft's priority names stand (linux/netfilter_ipv4.h, enum nf_ip_hook_priorities).
inline constexpr int kRaw = -300;
inline constexpr int kMangle = -150;
inline constexpr int kDstnat = -100;
inline constexpr int kSrcnat = 100;
inline constexpr int kLast = 300;

inline constexpr std::uint16_t kDnsPort = 53;

constexpr model::Port to_port(std::uint16_t port) { return {.first = port, .last = port}; }

// The first address of a family.
std::optional<IpAddress> address_of(Family family, std::span<const IpAddress> addresses);

// The families in which both ends have an address, IPv4 first. Only in those traffic can be
// captured: ztunnel answers by its own device, not through the tunnel (CONTRACT, how the packets
// really go).
std::vector<Family> common_families(std::span<const IpAddress> node,
                                    std::span<const IpAddress> ztunnel);

enum class End { node, ztunnel };
IpAddress tunnel_address(const Tunnel& tunnel, End end, Family family);

// A device's own MAC address, made from its IPv4 address inside the tunnel and so the same for
// every ztunnel: when the tunnel leads to another one, or is made anew, what the other end
// remembers of its neighbour stays right. With the kernel's random ones, connections would hang
// until that is probed.
MacAddress tunnel_mac(const Tunnel& tunnel, End end);

// Loose (2): packets come with sources that the main table reaches by another device. The effective
// value is the maximum of this and the one of `all` (CONTRACT U7).
model::Sysctl loose_rp_filter(const std::string& link);

// Adds one end of a tunnel to the state of its namespace: device, addresses, reverse-path filter.
void add_tunnel_end(model::NetnsState& state, const Datapath& datapath, const Tunnel& tunnel,
                    End end, const IpAddress& remote, const std::vector<Family>& families);

// A route of ours with the kernel's values where none is said: IPv6 metric, IPv4 scope.
model::Route route(const Datapath& datapath, std::uint32_t table, const Prefix& destination,
                   const std::string& link, std::optional<IpAddress> gateway = std::nullopt);

// Where a table ends: what finds no other route must not go on to the main table and leave in
// clear text when a device of ours is gone (CONTRACT U15).
model::Route last_resort(const Datapath& datapath, std::uint32_t table, Family family);

// A mark while its packet passes prerouting, and as our rules take it: see Marks::arriving.
Mark arriving(const Marks& marks, Mark mark);
Mark arrived(const Marks& marks, Mark mark);

// Adds a rule at the end of a chain.
void add_rule(model::FilterChain& chain, std::vector<model::Match> matches,
              std::vector<model::Action> actions);

}  // namespace ambient::desired
