// What changes in a network namespace, as it happens: links, addresses, routes, policy rules,
// packet filter. Events may be lost and only say where to look: the kernel itself is the truth.
// Threading: one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/netlink/netlink_socket.hpp"
#include "common/netlink/nft_notification.hpp"
#include "common/netlink/route_codec.hpp"

namespace ambient::netlink {

enum class EventKind : std::uint8_t {
    link,
    address,
    route,
    rule,
    filter,
    rp_filter,  // a device's reverse-path filter; never known to be our own
    overrun,    // events were lost: look at everything
};

struct Event {
    EventKind kind = EventKind::overrun;
    // Caused by one of our own sockets. Links tell their causer only since Linux 6.2: before, ours
    // look foreign.
    bool own = false;
    std::string link = {};                             // link: its name
    std::uint32_t link_index = 0;                      // link, address, route, rp_filter
    std::optional<model::Route> route = std::nullopt;  // route; without its link's name
    NftNotification filter = {};  // filter: the table, and the addresses when it is about elements

    bool operator==(const Event&) const = default;
};

class Monitor {
  public:
    // `buffer_bytes` is the room for events that were not drained yet, each charged about 1 KiB:
    // the default holds all pods of a node changing at once.
    static Result<Monitor> open(const Netns& netns, int buffer_bytes = 8 * 1024 * 1024);

    // Becomes readable when there are events.
    [[nodiscard]] int fd() const { return poll_.get(); }

    // Everything that has come, oldest first, without waiting. `own_ports` are the port ids of our
    // own sockets (LinuxKernel::port_ids). A lost event appears as overrun.
    Result<std::vector<Event>> drain(const std::vector<std::uint32_t>& own_ports);

  private:
    Monitor(UniqueFd poll, NetlinkSocket route, NetlinkSocket filter)
        : poll_(std::move(poll)), route_(std::move(route)), filter_(std::move(filter)) {}

    UniqueFd poll_;  // an epoll of both sockets
    NetlinkSocket route_;
    NetlinkSocket filter_;
};

// One notification. Nothing for what is not of interest. Pure.
std::optional<Event> decode_route_event(const nlmsghdr& message);
std::optional<Event> decode_filter_event(const nlmsghdr& message);

}  // namespace ambient::netlink
