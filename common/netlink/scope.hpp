// Scopes of routes and addresses as the kernel numbers them (linux/rtnetlink.h, rt_scope_t).
#pragma once

#include <linux/rtnetlink.h>

#include <cstdint>
#include <optional>

#include "common/model/address.hpp"

namespace ambient::netlink {

constexpr std::uint8_t to_kernel(model::RouteScope scope) {
    switch (scope) {
        case model::RouteScope::universe: return RT_SCOPE_UNIVERSE;
        case model::RouteScope::link: return RT_SCOPE_LINK;
        case model::RouteScope::host: return RT_SCOPE_HOST;
    }
    return RT_SCOPE_UNIVERSE;
}

constexpr std::optional<model::RouteScope> scope_from_kernel(std::uint8_t scope) {
    if (scope == RT_SCOPE_UNIVERSE) return model::RouteScope::universe;
    if (scope == RT_SCOPE_LINK) return model::RouteScope::link;
    if (scope == RT_SCOPE_HOST) return model::RouteScope::host;
    return std::nullopt;
}

}  // namespace ambient::netlink
