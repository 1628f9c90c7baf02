// What the elements of a packet-filter set are.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/net/ip_address.hpp"

namespace ambient::model {

struct InterfaceName {
    std::string name;
    auto operator<=>(const InterfaceName&) const = default;
};
struct PortNumber {
    std::uint16_t number = 0;
    auto operator<=>(const PortNumber&) const = default;
};
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
    auto operator<=>(const Endpoint&) const = default;
};

using SetKey = std::variant<IpAddress, Prefix, InterfaceName, PortNumber, Endpoint>;

// The keys of one set are of one type. Prefixes of one set do not overlap: the kernel refuses that.
enum class SetType : std::uint8_t {
    ipv4_address,
    ipv6_address,
    ipv4_prefix,
    ipv6_prefix,
    interface,
    port,
    ipv4_endpoint,
    ipv6_endpoint
};

SetType type_of(const SetKey& key);

constexpr SetType address_set(Family family) {
    return family == Family::ipv4 ? SetType::ipv4_address : SetType::ipv6_address;
}
constexpr bool is_prefix_set(SetType type) {
    return type == SetType::ipv4_prefix || type == SetType::ipv6_prefix;
}

// "10.0.0.1", "10.0.0.0/8", "eth0", "80", "10.0.0.1 . 80"
std::string to_string(const SetKey& key);

}  // namespace ambient::model
