// An address on a network device.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <tuple>

#include "common/net/ip_address.hpp"

namespace ambient::model {

// How far an address or a route reaches (rtnetlink(7)): the kernel takes no address of scope host
// as a packet's source, unless its device has route_localnet.
enum class RouteScope : std::uint8_t { universe, link, host };

// `scope` is IPv4's only. IPv6 addresses are added without duplicate address detection: ours are
// known to be unique. The kernel's own link-local IPv6 addresses are not part of the model.
struct InterfaceAddress {
    std::string link;
    IpAddress address;
    int prefix_length = 0;
    RouteScope scope = RouteScope::universe;

    auto operator<=>(const InterfaceAddress&) const = default;
};

// Identity; nothing changes in place.
//   IPv4: link, address, prefix length   net/ipv4/devinet.c, find_matching_ifa
//   IPv6: link, address                  net/ipv6/addrconf.c, ipv6_get_ifaddr
//         (a prefix length that differs: replace)
inline auto key(const InterfaceAddress& a) {
    return std::tuple(a.link, a.address, a.address.family() == Family::ipv4 ? a.prefix_length : 0);
}

}  // namespace ambient::model
