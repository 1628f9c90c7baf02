// Address families as the kernel numbers them.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "common/net/ip_address.hpp"

namespace ambient::netlink {

constexpr std::uint8_t to_kernel(Family family) {
    return family == Family::ipv4 ? AF_INET : AF_INET6;
}

constexpr std::optional<Family> family_from_kernel(std::uint8_t family) {
    if (family == AF_INET) return Family::ipv4;
    if (family == AF_INET6) return Family::ipv6;
    return std::nullopt;
}

inline constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};

}  // namespace ambient::netlink
