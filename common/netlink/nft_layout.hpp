// Facts that encoding and decoding of rules share: how the kernel numbers families, and where in a
// packet things stand.
#pragma once

#include <linux/if_ether.h>

#include <cstdint>
#include <optional>

#include "common/model/filter_rule.hpp"
#include "common/netlink/nft_expression.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {

constexpr std::uint8_t nfproto_of(Family family) {
    return family == Family::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

constexpr std::optional<Family> family_of(std::uint32_t nfproto) {
    if (nfproto == NFPROTO_IPV4) return Family::ipv4;
    if (nfproto == NFPROTO_IPV6) return Family::ipv6;
    return std::nullopt;
}

constexpr std::uint16_t ethertype_of(Family family) {
    return family == Family::ipv4 ? ETH_P_IP : ETH_P_IPV6;
}

constexpr std::optional<Family> family_of_ethertype(std::uint16_t type) {
    if (type == ETH_P_IP) return Family::ipv4;
    if (type == ETH_P_IPV6) return Family::ipv6;
    return std::nullopt;
}

// What says a packet's family: nfproto, or the ethertype in a table of bridges.
constexpr bool is_family_check(const MetaLoad& load) {
    return load.key == NFT_META_NFPROTO || load.key == NFT_META_PROTOCOL;
}

// An interface name fills this many bytes of a register (IFNAMSIZ), its NUL included.
inline constexpr std::size_t kInterfaceNameSize = 16;

// Offsets of the addresses in struct iphdr and struct ipv6hdr. No two are equal, so that the offset
// alone tells family and direction.
constexpr std::uint32_t address_offset(Family family, model::Direction direction) {
    const bool source = direction == model::Direction::source;
    if (family == Family::ipv4) return source ? 12 : 16;
    return source ? 8 : 24;
}

struct AddressPlace {
    Family family;
    model::Direction direction;
};

// Nothing when no address begins there, or `load` reads more than the address.
constexpr std::optional<AddressPlace> address_at(const PayloadLoad& load) {
    if (load.base != NFT_PAYLOAD_NETWORK_HEADER) return std::nullopt;
    for (const auto family : {Family::ipv4, Family::ipv6}) {
        for (const auto direction : {model::Direction::source, model::Direction::destination}) {
            if (load.offset == address_offset(family, direction) &&
                load.size <= address_bytes(family)) {
                return AddressPlace{.family = family, .direction = direction};
            }
        }
    }
    return std::nullopt;
}

inline PayloadLoad load_of_address(Family family, model::Direction direction, std::size_t size) {
    return {.base = NFT_PAYLOAD_NETWORK_HEADER,
            .offset = address_offset(family, direction),
            .size = static_cast<std::uint32_t>(size)};
}

// A concatenation's second part stands in the register behind its first (enum nft_registers: 16
// bytes each, and the same space once more in fours).
constexpr std::uint32_t register_behind_address(Family family) {
    return family == Family::ipv4 ? NFT_REG32_01 : NFT_REG_2;
}

// Ports stand first in the headers of TCP and UDP.
inline PayloadLoad load_of_port(model::Direction direction) {
    return {.base = NFT_PAYLOAD_TRANSPORT_HEADER,
            .offset = direction == model::Direction::source ? 0U : 2U,
            .size = sizeof(std::uint16_t)};
}

}  // namespace ambient::netlink::nft
