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

// `key_type` is nft(8)'s number of the type, which the kernel only keeps: ipv4_addr and ipv6_addr
// (nftables, include/datatype.h, enum datatypes).
struct SetType {
    std::uint32_t key_type = 0;
    std::uint32_t key_size = 0;

    bool operator==(const SetType&) const = default;
};

constexpr SetType set_type_of(Family family) {
    return {.key_type = family == Family::ipv4 ? 7U : 8U,
            .key_size = static_cast<std::uint32_t>(address_bytes(family))};
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
