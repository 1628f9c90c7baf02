// Routes in rtnetlink's words (net/ipv4/fib_frontend.c, net/ipv6/route.c). Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/model/route.hpp"
#include "common/netlink/message.hpp"

namespace ambient::netlink {

// `route.link` is empty: the name belongs to `link_index`, 0 when the route has no single device.
struct RouteRecord {
    std::uint32_t link_index = 0;
    model::Route route;

    bool operator==(const RouteRecord&) const = default;
};

// Of such a message; 0 when it is malformed.
std::uint32_t table_of(const nlmsghdr& message);
// RTM_NEWROUTE or RTM_DELROUTE; nothing for families that are not in the model. Error internal when
// the message is malformed.
Result<std::optional<RouteRecord>> decode_route(const nlmsghdr& message);

// What a dump covers; nothing: no restriction. The kernel filters (strict checking), so that the
// cost is that of the answer.
struct RouteFilter {
    std::optional<std::uint32_t> table = std::nullopt;
    std::optional<std::uint8_t> protocol = std::nullopt;
};
Message dump_routes(Family family, const RouteFilter& filter);

// How this namespace would send to `destination` when a packet has `mark`. `as_stored`: answer with
// the route that matched as it stands in its table (RTM_F_FIB_MATCH), not with what becomes of it.
struct RouteQuestion {
    IpAddress destination;
    std::uint32_t mark = 0;
    bool as_stored = false;
};
Message get_route(const RouteQuestion& question);

// Creates, or replaces the one of the same key.
Message put_route(std::uint32_t link_index, const model::Route& route);
Message delete_route(std::uint32_t link_index, const model::Route& route);

}  // namespace ambient::netlink
