#include "common/desired/parts.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace ambient::desired {

std::optional<IpAddress> address_of(Family family, std::span<const IpAddress> addresses) {
    const auto found = std::ranges::find(addresses, family, &IpAddress::family);
    if (found == addresses.end()) return std::nullopt;
    return *found;
}

std::vector<Family> common_families(std::span<const IpAddress> node,
                                    std::span<const IpAddress> ztunnel) {
    std::vector<Family> families;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        if (address_of(family, node) && address_of(family, ztunnel)) families.push_back(family);
    }
    return families;
}

IpAddress tunnel_address(const Tunnel& tunnel, End end, Family family) {
    if (family == Family::ipv4) {
        return end == End::node ? tunnel.node_address4 : tunnel.ztunnel_address4;
    }
    return end == End::node ? tunnel.node_address6 : tunnel.ztunnel_address6;
}

std::string rp_filter_path(const std::string& link) {
    return "net/ipv4/conf/" + link + "/rp_filter";
}

model::Sysctl loose_rp_filter(const std::string& link) {
    return {.path = rp_filter_path(link), .value = "2"};
}

model::InterfaceAddress lent_address(const IpAddress& host, const std::string& link) {
    return {.link = link, .address = host, .prefix_length = 32, .scope = model::RouteScope::host};
}

bool is_lent(const model::InterfaceAddress& address) {
    return address.address.family() == Family::ipv4 &&
           address == lent_address(address.address, address.link);
}

MacAddress tunnel_mac(const Tunnel& tunnel, End end) {
    const IpAddress address = tunnel_address(tunnel, end, Family::ipv4);
    const auto bytes = address.bytes();
    return {{0x02, 0, bytes[0], bytes[1], bytes[2], bytes[3]}};
}

void add_tunnel_end(model::NetnsState& state, const Datapath& datapath, const Tunnel& tunnel,
                    End end, const IpAddress& remote, const std::vector<Family>& families) {
    const std::string& link = end == End::node ? tunnel.node_link : tunnel.ztunnel_link;
    state.links.push_back(
        {.name = link,
         .kind =
             model::Geneve{.vni = tunnel.vni, .remote = remote, .udp_port = datapath.geneve_port},
         .up = true,
         .mac = tunnel_mac(tunnel, end)});
    for (const Family family : families) {
        const bool ipv4 = family == Family::ipv4;
        state.addresses.push_back(
            {.link = link,
             .address = tunnel_address(tunnel, end, family),
             .prefix_length = ipv4 ? tunnel.prefix_length4 : tunnel.prefix_length6});
        if (ipv4) state.sysctls.push_back(loose_rp_filter(link));
    }
}

model::Route route(const Datapath& datapath, std::uint32_t table, const Prefix& destination,
                   const std::string& link, std::optional<IpAddress> gateway) {
    const bool ipv4 = destination.family() == Family::ipv4;
    return {.table = table,
            .destination = destination,
            .metric = ipv4 ? 0 : model::kIpv6DefaultMetric,
            .scope = ipv4 && !gateway ? model::RouteScope::link : model::RouteScope::universe,
            .protocol = datapath.protocol,
            .link = link,
            .gateway = gateway};
}

model::Route last_resort(const Datapath& datapath, std::uint32_t table, Family family) {
    return {.table = table,
            .destination = Prefix::everything(family),
            .metric = std::numeric_limits<std::uint32_t>::max(),
            .type = model::RouteType::unreachable,
            .protocol = datapath.protocol,
            .link = {}};
}

Mark arriving(const Marks& marks, Mark mark) {
    return {.value = mark.value | marks.arriving.value, .mask = mark.mask | marks.arriving.mask};
}

Mark arrived(const Marks& marks, Mark mark) {
    return {.value = mark.value, .mask = mark.mask | marks.arriving.mask};
}

void add_rule(model::FilterChain& chain, std::vector<model::Match> matches,
              std::vector<model::Action> actions) {
    chain.rules.push_back({.matches = std::move(matches), .actions = std::move(actions)});
}

}  // namespace ambient::desired
