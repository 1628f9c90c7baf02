#include "common/kernel/facts.hpp"

#include <cerrno>
#include <utility>

#include "common/netlink/address_codec.hpp"
#include "common/netlink/family.hpp"
#include "common/netlink/link_codec.hpp"
#include "common/netlink/link_names.hpp"
#include "common/netlink/nsid_codec.hpp"
#include "common/netlink/route_codec.hpp"

namespace ambient {
namespace {

bool is_veth(const netlink::LinkRecord& record) {
    return record.lower && std::holds_alternative<model::Veth>(record.link.kind);
}

// No route, or one that ends in unreachable, prohibit or blackhole (net/ipv4/fib_semantics.c,
// fib_props).
bool leads_nowhere(int errno_value) {
    return errno_value == ENETUNREACH || errno_value == EHOSTUNREACH || errno_value == EACCES ||
           errno_value == EINVAL;
}

}  // namespace

Result<Facts> Facts::open(const Netns& netns) {
    return Facts(TRY(netlink::RouteSocket::open(netns)));
}

Result<std::optional<Path>> Facts::route_to(const IpAddress& address, std::uint32_t mark) {
    auto request = netlink::get_route({.destination = address, .mark = mark});
    const auto reply = socket_.query(request);
    if (!reply) {
        if (leads_nowhere(reply.error().errno_value)) return std::nullopt;
        return std::unexpected(reply.error());
    }
    auto record = TRY(netlink::decode_route(reply->message()));
    if (!record) return std::nullopt;
    // A thousand pods are a thousand links: all that RTM_GETLINK tells of one takes longer than the
    // question for its route.
    netlink::LinkNames names(socket_);
    auto link = TRY(names.name_of(record->link_index));
    const bool to_veth = TRY(names.is_veth(link));
    return Path{.link = std::move(link),
                .to_veth = to_veth,
                .table = record->route.table,
                .gateway = record->route.gateway,
                .source = record->route.source};
}

Result<std::optional<Peer>> Facts::peer_of(const std::string& link) {
    auto request = netlink::get_link(link);
    const auto reply = socket_.query(request);
    if (!reply) {
        if (reply.error().kind == ErrorKind::not_found) return std::nullopt;
        return std::unexpected(reply.error());
    }
    const auto record = TRY(netlink::decode_link(reply->message()));
    if (!is_veth(record)) return std::nullopt;
    return Peer{.link_index = record.lower->index, .nsid = record.lower->nsid};
}

Result<std::string> Facts::name_of(std::uint32_t link_index) {
    return netlink::LinkNames(socket_).name_of(link_index);
}

Result<std::vector<model::InterfaceAddress>> Facts::dump_addresses(std::uint32_t link_index) {
    netlink::LinkNames names(socket_);
    std::vector<model::InterfaceAddress> addresses;
    for (const Family family : netlink::kFamilies) {
        auto request = netlink::dump_addresses(family, link_index);
        const auto dump = TRY(socket_.dump(request));
        for (const auto& message : dump) {
            auto record = TRY(netlink::decode_address(message));
            if (!record) continue;
            auto name = names.name_of(record->link_index);
            if (!name) continue;  // the link is gone, and the address with it
            record->address.link = *std::move(name);
            addresses.push_back(std::move(record->address));
        }
    }
    return addresses;
}

Result<std::vector<model::InterfaceAddress>> Facts::addresses() { return dump_addresses(0); }

Result<std::vector<model::InterfaceAddress>> Facts::addresses_of(const std::string& link) {
    return dump_addresses(TRY(netlink::LinkNames(socket_).index_of(link)));
}

Result<std::optional<std::string>> Facts::link_of_address(const IpAddress& address) {
    for (auto& candidate : TRY(addresses())) {
        if (candidate.address == address) return std::move(candidate.link);
    }
    return std::nullopt;
}

Result<std::optional<std::int32_t>> Facts::nsid_of(const Netns& other) {
    auto request = netlink::get_nsid(other.fd());
    const auto reply = TRY(socket_.query(request));
    return netlink::decode_nsid(reply.message());
}

}  // namespace ambient
