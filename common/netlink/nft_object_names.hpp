// How the kernel and nft(8) name and number what chains and sets are made of. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/model/filter_table.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {

constexpr std::uint8_t nfproto_of(model::TableFamily family) {
    return family == model::TableFamily::inet ? NFPROTO_INET : NFPROTO_BRIDGE;
}

constexpr std::optional<model::TableFamily> table_family_of(std::uint8_t nfproto) {
    if (nfproto == NFPROTO_INET) return model::TableFamily::inet;
    if (nfproto == NFPROTO_BRIDGE) return model::TableFamily::bridge;
    return std::nullopt;
}

// How the kernel keeps a set's type. `key_type` is nft(8)'s number of it, of which the kernel only
// keeps the value (nftables, include/datatype.h, enum datatypes, and concat_subtype_add).
struct KernelSetType {
    std::uint32_t key_type = 0;
    std::uint32_t key_size = 0;
    std::uint32_t flags = 0;

    bool operator==(const KernelSetType&) const = default;
};

struct SetTypeNumber {
    model::SetType type;
    KernelSetType number;
};
constexpr std::uint32_t kIpv4Addr = 7;
constexpr std::uint32_t kIpv6Addr = 8;
constexpr std::uint32_t kInetService = 13;
constexpr std::uint32_t kIfname = 41;
// Each part of a concatenation fills whole registers of four bytes.
inline constexpr SetTypeNumber kSetTypes[] = {
    {model::SetType::ipv4_address, {kIpv4Addr, 4, 0}},
    {model::SetType::ipv6_address, {kIpv6Addr, 16, 0}},
    {model::SetType::ipv4_prefix, {kIpv4Addr, 4, NFT_SET_INTERVAL}},
    {model::SetType::ipv6_prefix, {kIpv6Addr, 16, NFT_SET_INTERVAL}},
    {model::SetType::interface, {kIfname, 16, 0}},
    {model::SetType::port, {kInetService, 2, 0}},
    {model::SetType::ipv4_endpoint, {kIpv4Addr << 6 | kInetService, 8, 0}},
    {model::SetType::ipv6_endpoint, {kIpv6Addr << 6 | kInetService, 20, 0}},
};

constexpr KernelSetType number_of(model::SetType type) {
    for (const auto& entry : kSetTypes) {
        if (entry.type == type) return entry.number;
    }
    return {};
}

constexpr std::optional<model::SetType> set_type_of(const KernelSetType& number) {
    for (const auto& entry : kSetTypes) {
        if (entry.number == number) return entry.type;
    }
    return std::nullopt;
}

struct HookNumber {
    model::Hook hook;
    std::uint32_t number;
};
// A bridge's are numbered the same (linux/netfilter_bridge.h, NF_BR_PRE_ROUTING).
inline constexpr HookNumber kHooks[] = {
    {model::Hook::prerouting, NF_INET_PRE_ROUTING},   {model::Hook::input, NF_INET_LOCAL_IN},
    {model::Hook::forward, NF_INET_FORWARD},          {model::Hook::output, NF_INET_LOCAL_OUT},
    {model::Hook::postrouting, NF_INET_POST_ROUTING},
};

constexpr std::uint32_t number_of(model::Hook hook) {
    for (const auto& entry : kHooks) {
        if (entry.hook == hook) return entry.number;
    }
    return NF_INET_NUMHOOKS;
}

constexpr std::optional<model::Hook> hook_of(std::uint32_t number) {
    for (const auto& entry : kHooks) {
        if (entry.number == number) return entry.hook;
    }
    return std::nullopt;
}

constexpr const char* name_of(model::ChainType type) {
    switch (type) {
        case model::ChainType::filter: return "filter";
        case model::ChainType::nat: return "nat";
        case model::ChainType::route: return "route";
    }
    return "";
}

constexpr std::optional<model::ChainType> chain_type_of(std::string_view name) {
    for (const auto type :
         {model::ChainType::filter, model::ChainType::nat, model::ChainType::route}) {
        if (name == name_of(type)) return type;
    }
    return std::nullopt;
}

}  // namespace ambient::netlink::nft
