#include "common/netlink/route_codec.hpp"

#include <linux/rtnetlink.h>

#include "common/netlink/family.hpp"
#include "common/netlink/routing_text.hpp"
#include "common/netlink/scope.hpp"

namespace ambient::netlink {
namespace {

std::uint8_t kernel_type(model::RouteType type) {
    switch (type) {
        case model::RouteType::unicast: return RTN_UNICAST;
        case model::RouteType::local: return RTN_LOCAL;
        case model::RouteType::unreachable: return RTN_UNREACHABLE;
        case model::RouteType::other: break;  // only ever deleted: any type
    }
    return RTN_UNSPEC;
}

model::RouteType type_from_kernel(std::uint8_t type) {
    if (type == RTN_UNICAST) return model::RouteType::unicast;
    if (type == RTN_LOCAL) return model::RouteType::local;
    if (type == RTN_UNREACHABLE) return model::RouteType::unreachable;
    return model::RouteType::other;
}

Message route_message(int type, int flags, std::uint32_t link_index, const model::Route& route) {
    rtmsg header{};
    header.rtm_family = to_kernel(route.destination.family());
    header.rtm_dst_len = static_cast<std::uint8_t>(route.destination.length());
    header.rtm_protocol = route.protocol;
    // Of two routes of one key ours is the one with our protocol, in whatever scope.
    header.rtm_scope =
        type == RTM_DELROUTE ? static_cast<std::uint8_t>(RT_SCOPE_NOWHERE) : to_kernel(route.scope);
    header.rtm_tos = route.tos;
    header.rtm_type = kernel_type(route.type);
    header.rtm_flags = route.onlink ? RTNH_F_ONLINK : 0;
    Message message(type, flags, header);
    message.put_u32(RTA_TABLE, route.table);
    if (route.destination.length() != 0) message.put_address(RTA_DST, route.destination.address());
    if (route.metric != 0) message.put_u32(RTA_PRIORITY, route.metric);
    if (link_index != 0) message.put_u32(RTA_OIF, link_index);
    if (route.gateway) message.put_address(RTA_GATEWAY, *route.gateway);
    if (route.source) message.put_address(RTA_PREFSRC, *route.source);
    return message;
}

// Attributes that the model holds, or that are no property of the route: RTA_CACHEINFO is its age
// and use, RTA_PREF an IPv6 router preference that is only ever "medium" on routes not learnt from
// a router.
bool is_in_model(int attribute) {
    switch (attribute) {
        case RTA_TABLE:
        case RTA_DST:
        case RTA_PRIORITY:
        case RTA_OIF:
        case RTA_GATEWAY:
        case RTA_PREFSRC:
        case RTA_CACHEINFO:
        case RTA_PREF:
        case RTA_MARK:  // an answer to RTM_GETROUTE repeats the question
        case RTA_UID: return true;
        default: return false;
    }
}

// Of rtm_flags: nothing here narrows or widens what the route matches.
constexpr unsigned kKnownFlags =
    RTNH_F_ONLINK | RTNH_F_DEAD | RTNH_F_LINKDOWN | RTM_F_FIB_MATCH | RTM_F_LOOKUP_TABLE;

bool is_beyond_model(const rtmsg& header, const Attributes& attributes) {
    return header.rtm_src_len != 0 || (header.rtm_flags & ~kKnownFlags) != 0 ||
           !scope_from_kernel(header.rtm_scope) ||
           type_from_kernel(header.rtm_type) == model::RouteType::other ||
           !attributes.all(is_in_model);
}

}  // namespace

std::uint32_t table_of(const nlmsghdr& message) {
    const auto header = fixed_part<rtmsg>(message);
    if (!header) return 0;
    return Attributes::after<rtmsg>(message).u32(RTA_TABLE).value_or(header->rtm_table);
}

Result<std::optional<RouteRecord>> decode_route(const nlmsghdr& message) {
    const auto header = fixed_part<rtmsg>(message);
    if (!header || (message.nlmsg_type != RTM_NEWROUTE && message.nlmsg_type != RTM_DELROUTE)) {
        return std::unexpected(Error{.doing = "decode route: malformed message"});
    }
    const auto family = family_from_kernel(header->rtm_family);
    if (!family) return std::nullopt;

    const auto attributes = Attributes::after<rtmsg>(message);
    const auto destination = Prefix::make(
        attributes.address(RTA_DST).value_or(IpAddress::any(*family)), header->rtm_dst_len);
    if (!destination || destination->family() != *family) {
        return std::unexpected(Error{.doing = "decode route: malformed destination"});
    }
    RouteRecord record;
    // IPv6 tells the loopback device for one (net/ipv6/route.c, fib6_nh_init).
    const bool unreachable = header->rtm_type == RTN_UNREACHABLE;
    record.link_index = unreachable ? 0 : attributes.u32(RTA_OIF).value_or(0);
    record.route = {
        .table = table_of(message),
        .destination = *destination,
        .metric = attributes.u32(RTA_PRIORITY).value_or(0),
        .tos = header->rtm_tos,
        .type = type_from_kernel(header->rtm_type),
        .scope = scope_from_kernel(header->rtm_scope).value_or(model::RouteScope::universe),
        .protocol = header->rtm_protocol,
        .link = {},
        .gateway = attributes.address(RTA_GATEWAY),
        .source = attributes.address(RTA_PREFSRC),
        .onlink = (header->rtm_flags & RTNH_F_ONLINK) != 0};
    // An answer about one packet is no route that stands anywhere.
    const bool is_stored = (header->rtm_flags & RTM_F_CLONED) == 0;
    if (is_stored && is_beyond_model(*header, attributes))
        record.route.beyond_model = route_text(*header, attributes);
    return record;
}

Message dump_routes(Family family, const RouteFilter& filter) {
    rtmsg header{};
    header.rtm_family = to_kernel(family);
    header.rtm_protocol = filter.protocol.value_or(RTPROT_UNSPEC);
    Message message(RTM_GETROUTE, 0, header);
    if (filter.table) message.put_u32(RTA_TABLE, *filter.table);
    return message;
}

Message get_route(const RouteQuestion& question) {
    rtmsg header{};
    header.rtm_family = to_kernel(question.destination.family());
    header.rtm_dst_len = static_cast<std::uint8_t>(address_bits(question.destination.family()));
    header.rtm_flags = question.as_stored ? RTM_F_FIB_MATCH : 0;
    // IPv4 answers RT_TABLE_MAIN without it; IPv6 always tells the table and refuses the flag.
    if (question.destination.family() == Family::ipv4) header.rtm_flags |= RTM_F_LOOKUP_TABLE;
    Message message(RTM_GETROUTE, 0, header);
    message.put_address(RTA_DST, question.destination);
    if (question.mark != 0) message.put_u32(RTA_MARK, question.mark);
    return message;
}

Message put_route(std::uint32_t link_index, const model::Route& route) {
    return route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, link_index, route);
}

Message delete_route(std::uint32_t link_index, const model::Route& route) {
    return route_message(RTM_DELROUTE, 0, link_index, route);
}

}  // namespace ambient::netlink
