// A unicast, local or unreachable route.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "common/model/address.hpp"
#include "common/net/ip_address.hpp"

namespace ambient::model {

enum class RouteType : std::uint8_t { unicast, local, unreachable, other };

// The kernel gives IPv6 routes without a metric this one (include/net/ip6_route.h,
// IP6_RT_PRIO_USER).
inline constexpr std::uint32_t kIpv6DefaultMetric = 1024;

// `link` is the output device's name, empty when the type is unreachable; `protocol` says who made
// the route (rtnetlink(7), rtm_protocol). IPv6 routes have no scope in the kernel: use universe. A
// route that carries more than this type can say (multipath, encap, another type) has all of it in
// `beyond_model`, as `ip` prints it, and equals nothing that we want.
struct Route {
    std::uint32_t table = 0;
    Prefix destination;
    std::uint32_t metric = 0;
    std::uint8_t tos = 0;  // IPv4 only; we want none
    RouteType type = RouteType::unicast;
    RouteScope scope = RouteScope::universe;
    std::uint8_t protocol = 0;
    std::string link;
    std::optional<IpAddress> gateway = std::nullopt;
    std::optional<IpAddress> source = std::nullopt;
    bool onlink = false;
    std::string beyond_model = {};

    auto operator<=>(const Route&) const = default;
};

// Identity: what NLM_F_REPLACE takes for the same route; everything else changes in place.
//   IPv4: table, destination, tos, metric
//         net/ipv4/fib_trie.c, fib_find_alias, fib_table_insert
//   IPv6: table, destination, metric
//         net/ipv6/ip6_fib.c, fib6_add_rt2node
inline auto key(const Route& r) { return std::tuple(r.table, r.destination, r.metric, r.tos); }

}  // namespace ambient::model
