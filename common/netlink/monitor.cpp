#include "common/netlink/monitor.hpp"

#include <linux/netconf.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/netlink/address_codec.hpp"
#include "common/netlink/link_codec.hpp"

namespace ambient::netlink {
namespace {

constexpr int kRouteGroups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE,
                                RTNLGRP_IPV6_RULE,  RTNLGRP_IPV4_NETCONF};

Result<NetlinkSocket> listen(const Netns& netns, int protocol, std::span<const int> groups,
                             int buffer_bytes) {
    auto socket = TRY(NetlinkSocket::open(netns, protocol));
    socket.set_receive_buffer(buffer_bytes);
    for (const int group : groups)
        TRY(socket.join(group));
    return socket;
}

Result<void> watch(int poll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0) return {};
    return std::unexpected(errno_error(errno, "watch netlink socket"));
}

template <class Decode>
Result<void> drain_socket(NetlinkSocket& socket, const std::vector<std::uint32_t>& own_ports,
                          Decode decode, std::vector<Event>& events) {
    while (true) {
        const auto datagram = socket.receive();
        if (!datagram) {
            if (datagram.error().errno_value == EAGAIN) return {};
            if (datagram.error().kind != ErrorKind::interrupted)
                return std::unexpected(datagram.error());
            events.push_back(Event{.kind = EventKind::overrun});
            continue;
        }
        for (const nlmsghdr& message : Messages(*datagram)) {
            auto event = decode(message);
            if (!event) continue;
            event->own = std::ranges::count(own_ports, message.nlmsg_pid) != 0;
            events.push_back(*std::move(event));
        }
    }
}

std::optional<Event> link_event(const nlmsghdr& message) {
    const auto record = decode_link(message);
    if (!record) return std::nullopt;
    return Event{.kind = EventKind::link, .link = record->link.name, .link_index = record->index};
}

std::optional<Event> address_event(const nlmsghdr& message) {
    const auto record = decode_address(message);
    if (!record || !*record) return std::nullopt;
    return Event{.kind = EventKind::address, .link_index = (*record)->link_index};
}

std::optional<Event> route_event(const nlmsghdr& message) {
    const auto record = decode_route(message);
    if (!record || !*record) return std::nullopt;
    return Event{
        .kind = EventKind::route, .link_index = (*record)->link_index, .route = (*record)->route};
}

// Told for `all` and `default`, too, with a negative index (net/ipv4/devinet.c,
// devinet_conf_ifindex).
std::optional<Event> netconf_event(const nlmsghdr& message) {
    if (!fixed_part<netconfmsg>(message)) return std::nullopt;
    const auto attributes = Attributes::after<netconfmsg>(message);
    const auto index = attributes.s32(NETCONFA_IFINDEX);
    if (!index || *index <= 0 || !attributes.has(NETCONFA_RP_FILTER)) return std::nullopt;
    return Event{.kind = EventKind::rp_filter, .link_index = static_cast<std::uint32_t>(*index)};
}

}  // namespace

std::optional<Event> decode_route_event(const nlmsghdr& message) {
    switch (message.nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK: return link_event(message);
        case RTM_NEWADDR:
        case RTM_DELADDR: return address_event(message);
        case RTM_NEWROUTE:
        case RTM_DELROUTE: return route_event(message);
        case RTM_NEWNETCONF: return netconf_event(message);
        case RTM_NEWRULE:
        case RTM_DELRULE: return Event{.kind = EventKind::rule};
        default: return std::nullopt;
    }
}

std::optional<Event> decode_filter_event(const nlmsghdr& message) {
    auto change = decode_nft_notification(
        {reinterpret_cast<const std::uint8_t*>(&message), message.nlmsg_len});
    if (!change) return std::nullopt;
    return Event{.kind = EventKind::filter, .filter = *std::move(change)};
}

Result<Monitor> Monitor::open(const Netns& netns, int buffer_bytes) {
    UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
    if (!poll) return std::unexpected(errno_error(errno, "create epoll"));
    auto route = TRY(listen(netns, NETLINK_ROUTE, kRouteGroups, buffer_bytes));
    auto filter =
        TRY(listen(netns, NETLINK_NETFILTER, std::array{int{NFNLGRP_NFTABLES}}, buffer_bytes));
    TRY(watch(poll.get(), route.fd()));
    TRY(watch(poll.get(), filter.fd()));
    return Monitor(std::move(poll), std::move(route), std::move(filter));
}

Result<std::vector<Event>> Monitor::drain(const std::vector<std::uint32_t>& own_ports) {
    std::vector<Event> events;
    TRY(drain_socket(route_, own_ports, decode_route_event, events));
    TRY(drain_socket(filter_, own_ports, decode_filter_event, events));
    return events;
}

}  // namespace ambient::netlink
