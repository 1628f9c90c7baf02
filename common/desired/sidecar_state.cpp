#include "common/desired/parts.hpp"
#include "common/desired/sidecar.hpp"
#include "common/desired/sidecar_filter.hpp"

namespace ambient::desired {

using namespace model;

namespace {

// What Envoy sends from to the application in IPv6; the one of IPv4, 127.0.0.6, is lo's by itself.
InterfaceAddress pass_through() {
    return {.link = "lo", .address = IpAddress::parse("::6").value(), .prefix_length = 128};
}

}  // namespace

// Packets for the proxy's transparent listener are delivered locally whatever their destination.
NetnsState sidecar_state(const SidecarNumbers& numbers, std::uint8_t protocol,
                         const SidecarParameters& parameters, bool ipv6) {
    NetnsState state;
    if (ipv6) state.addresses.push_back(pass_through());
    state.tables.push_back(
        {.id = {.name = numbers.table}, .sets = {}, .chains = sidecar_chains(numbers, parameters)});
    if (parameters.mode == Interception::tproxy) {
        for (const Family family : {Family::ipv4, Family::ipv6}) {
            const bool ipv4 = family == Family::ipv4;
            if (!ipv4 && !ipv6) continue;
            state.routes.push_back({.table = numbers.route_table,
                                    .destination = Prefix::everything(family),
                                    .metric = ipv4 ? 0 : kIpv6DefaultMetric,
                                    .type = RouteType::local,
                                    .scope = ipv4 ? RouteScope::host : RouteScope::universe,
                                    .protocol = protocol,
                                    .link = "lo"});
            state.rules.push_back({.family = family,
                                   .priority = numbers.rule_priority,
                                   .mark = numbers.proxy,
                                   .table = numbers.route_table,
                                   .protocol = protocol});
        }
    }
    sort(state);
    return state;
}

Scope sidecar_scope(const SidecarNumbers& numbers, std::uint8_t protocol) {
    return {.protocol = protocol,
            .addresses = {pass_through()},
            .routes = {{.table = numbers.route_table}},
            .rule_priorities = {numbers.rule_priority},
            .filter = {{.table = {.name = numbers.table}}}};
}

}  // namespace ambient::desired
