#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "common/desired/parts.hpp"
#include "common/desired/state.hpp"

namespace ambient::desired {
namespace {

using namespace model;

constexpr Protocol kIcmp4{1};   // IPPROTO_ICMP
constexpr Protocol kIcmp6{58};  // IPPROTO_ICMPV6
constexpr const char* kToInbound = "to_inbound";
constexpr const char* kToOutbound = "to_outbound";
constexpr const char* kToPlaintext = "to_plaintext";

// What the tunnels bring goes to ztunnel's listeners. What comes by its own device for an address
// that is not its own belongs to a connection that it holds in a pod's name.
FilterChain prerouting(const Datapath& datapath, const ZtunnelFacts& facts,
                       const std::vector<Family>& families) {
    const InInterface from_inbound{datapath.inbound.ztunnel_link};
    const InInterface from_outbound{datapath.outbound.ztunnel_link};
    const Protocol tcp{kTcp};
    const std::uint16_t hbone = datapath.ports.inbound_hbone;
    FilterChain chain{.name = "prerouting",
                      .hook = ChainHook{ChainType::filter, Hook::prerouting, kMangle},
                      .rules = {}};
    add_rule(chain, {from_inbound, tcp, Port{.first = hbone, .last = hbone}},
             {Counter{}, Jump{kToInbound}});
    add_rule(chain, {from_outbound, tcp}, {Counter{}, Jump{kToOutbound}});
    add_rule(chain, {from_inbound, tcp}, {Counter{}, Jump{kToPlaintext}});
    for (const Family family : families) {
        std::vector<Match> matches = {InInterface{facts.link}};
        const auto except = [&](const Prefix& prefix) {
            matches.emplace_back(
                Address{.direction = Direction::destination, .prefix = prefix, .negate = true});
        };
        for (const IpAddress& address : facts.addresses) {
            if (address.family() == family) except(Prefix::host(address));
        }
        if (family == Family::ipv6) {  // the device's own traffic: link-local and multicast
            except(Prefix::parse("fe80::/10").value());
            except(Prefix::parse("ff00::/8").value());
        }
        // Errors about such a connection, too: the path's MTU, say.
        for (const Protocol protocol : {tcp, family == Family::ipv4 ? kIcmp4 : kIcmp6}) {
            std::vector<Match> of_protocol = matches;
            of_protocol.emplace_back(protocol);
            add_rule(chain, std::move(of_protocol),
                     {Counter{}, SetMark{datapath.marks.original_reply}});
        }
    }
    return chain;
}

// To a transparent listener; dropped when there is none (U12).
FilterChain to_listener(const Datapath& datapath, const char* name, std::uint16_t port,
                        const std::vector<Family>& families) {
    FilterChain chain{.name = name, .rules = {}};
    for (const Family family : families) {
        add_rule(chain, {Protocol{kTcp}, IsFamily{family}},
                 {Tproxy{.address = IpAddress::loopback(family), .port = port},
                  SetMark{datapath.marks.tproxy}, Accept{}});
    }
    add_rule(chain, {}, {Counter{}, Drop{}});
    return chain;
}

// A segment of a held connection that no socket takes: the kernel answers only in names of its own,
// so both sides would wait until they give up.
FilterChain strays(const Datapath& datapath) {
    const MarkIs held{datapath.marks.original_reply};
    FilterChain chain{
        .name = "strays", .hook = ChainHook{ChainType::filter, Hook::input, kMangle}, .rules = {}};
    add_rule(chain, {held, HasSocket{.transparent = true}}, {Return{}});
    add_rule(chain, {held, HasSocket{.transparent = false}}, {Return{}});
    add_rule(chain, {held, Protocol{kTcp}}, {Counter{}, Reset{}});
    return chain;
}

void add_delivery(NetnsState& state, const Datapath& datapath, Family family) {
    const std::uint32_t table = datapath.tables.ztunnel_local;
    Route local = route(datapath, table, Prefix::everything(family), "lo");
    local.type = RouteType::local;
    if (family == Family::ipv4) local.scope = RouteScope::host;
    state.routes.push_back(local);
    const auto add = [&](std::uint32_t priority, Mark mark) {
        state.rules.push_back({.family = family,
                               .priority = priority,
                               .mark = mark,
                               .table = table,
                               .protocol = datapath.protocol});
    };
    add(datapath.priorities.ztunnel_tproxy, datapath.marks.tproxy);
    add(datapath.priorities.ztunnel_reply, datapath.marks.original_reply);
}

// A new namespace starts with the node's values (net/ipv4/devinet.c, devinet_init_net). With 1, the
// kernel would look for senders by our marks, find them to be local, and drop what they send.
std::vector<std::string> mark_in_reverse_lookups(const Datapath& datapath,
                                                 const ZtunnelFacts& facts) {
    std::vector<std::string> paths;
    for (const std::string& link : {std::string("all"), facts.link, datapath.inbound.ztunnel_link,
                                    datapath.outbound.ztunnel_link}) {
        if (!link.empty()) paths.push_back("net/ipv4/conf/" + link + "/src_valid_mark");
    }
    return paths;
}

}  // namespace

// The reverse-path filter of ztunnel's own device stays as it is: the main table reaches every
// source by that device, so even the strict filter is content.
NetnsState ztunnel_state(const Datapath& datapath, const ZtunnelFacts& facts) {
    const auto families = common_families(facts.host_addresses, facts.addresses);
    if (families.empty()) return {};
    NetnsState state;
    const IpAddress remote = *address_of(families.front(), facts.host_addresses);
    add_tunnel_end(state, datapath, datapath.inbound, End::ztunnel, remote, families);
    add_tunnel_end(state, datapath, datapath.outbound, End::ztunnel, remote, families);
    for (const Family family : families)
        add_delivery(state, datapath, family);
    if (families.front() == Family::ipv4) {
        for (const std::string& path : mark_in_reverse_lookups(datapath, facts))
            state.sysctls.push_back({.path = path, .value = "0"});
    }
    const ZtunnelPorts& ports = datapath.ports;
    state.tables.push_back(
        {.id = {.name = datapath.filter.table},
         .sets = {},
         .chains = {prerouting(datapath, facts, families), strays(datapath),
                    to_listener(datapath, kToInbound, ports.inbound_hbone, families),
                    to_listener(datapath, kToOutbound, ports.outbound, families),
                    to_listener(datapath, kToPlaintext, ports.inbound_plaintext, families)}});
    sort(state);
    return state;
}

Scope ztunnel_scope(const Datapath& datapath, const ZtunnelFacts& facts) {
    Scope scope{
        .protocol = datapath.protocol,
        .strays = true,
        .links = {datapath.inbound.ztunnel_link, datapath.outbound.ztunnel_link},
        .routes = {{.table = datapath.tables.ztunnel_local}},
        .rule_priorities = {datapath.priorities.ztunnel_tproxy, datapath.priorities.ztunnel_reply},
        .sysctls = {rp_filter_path(datapath.inbound.ztunnel_link),
                    rp_filter_path(datapath.outbound.ztunnel_link)},
        .filter = {{.table = {.name = datapath.filter.table}}}};
    std::ranges::copy(mark_in_reverse_lookups(datapath, facts), std::back_inserter(scope.sysctls));
    return scope;
}

}  // namespace ambient::desired
