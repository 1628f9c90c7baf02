#include <algorithm>
#include <iterator>
#include <utility>

#include "common/desired/node_filter.hpp"
#include "common/desired/parts.hpp"
#include "common/desired/state.hpp"

namespace ambient::desired {
namespace {

using namespace model;

// Whether packets of this address may be captured at all: never the node's and ztunnel's own, which
// would run in a circle.
bool can_capture(const NodeFacts& facts, const std::vector<Family>& families,
                 const IpAddress& address) {
    const auto has = [&](const auto& addresses) {
        return std::ranges::find(addresses, address) != addresses.end();
    };
    return std::ranges::find(families, address.family()) != families.end() &&
           !has(facts.host_addresses) &&
           std::ranges::none_of(facts.ztunnels, [&](const Ztunnel& z) { return has(z.addresses); });
}

// The pods' part, sorted; its table has no chains.
NetnsState pods_part(const Datapath& datapath, const NodeFacts& facts,
                     const std::vector<Family>& families,
                     const std::vector<EnrolledAddress>& pods) {
    NetnsState state;
    FilterTable table{.id = {.name = datapath.filter.table}};
    const auto add_set = [&](const std::string& name, Family family) {
        table.sets.push_back(
            {.name = name,
             .type = family == Family::ipv4 ? SetType::ipv4_address : SetType::ipv6_address});
    };
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        add_set(pods_set(datapath.filter, family), family);
        for (const auto choice : {WithoutZtunnel::bypass, WithoutZtunnel::reset})
            add_set(choice_set(datapath.filter, family, choice), family);
    }
    const auto add_element = [&](const std::string& set, SetElement element) {
        std::ranges::find(table.sets, set, &FilterSet::name)
            ->elements.push_back(std::move(element));
    };

    std::vector<const EnrolledAddress*> sorted;
    sorted.reserve(pods.size());
    for (const EnrolledAddress& pod : pods)
        sorted.push_back(&pod);
    const auto before = [](const auto* a, const auto* b) { return *a < *b; };
    if (!std::ranges::is_sorted(sorted, before)) std::ranges::sort(sorted, before);
    const EnrolledAddress* previous = nullptr;
    for (const EnrolledAddress* one : sorted) {
        const EnrolledAddress& pod = *one;
        const bool repeated = previous && previous->address == pod.address;
        if (repeated || !can_capture(facts, families, pod.address)) continue;
        previous = &pod;
        const Family family = pod.address.family();
        add_element(pods_set(datapath.filter, family),
                    {.key = pod.address, .comment = pod.comment});
        if (pod.without_ztunnel != WithoutZtunnel::wait) {
            add_element(choice_set(datapath.filter, family, pod.without_ztunnel),
                        {.key = pod.address});
        }
        // `src`: else a socket that asks for this way would get the tunnel's address.
        Route to_pod = route(datapath, datapath.tables.inbound, Prefix::host(pod.address),
                             datapath.inbound.node_link,
                             tunnel_address(datapath.inbound, End::ztunnel, family));
        to_pod.source = address_of(family, facts.host_addresses);
        state.routes.push_back(std::move(to_pod));
    }
    state.tables.push_back(std::move(table));
    sort(state);
    return state;
}

void add_routes_to_ztunnel(NetnsState& state, const Datapath& datapath, const NodeFacts& facts,
                           Family family) {
    const Tables& tables = datapath.tables;
    const auto add = [&](const Route& r) { state.routes.push_back(r); };
    // `src`: the tunnels' own packets carry the mark of what is in them and so come by here, and
    // the other end takes them only from HOST_IP, its remote (CONTRACT U18).
    const auto to = [&](std::uint32_t table, const Ztunnel& ztunnel, const IpAddress& address) {
        Route direct = route(datapath, table, Prefix::host(address), ztunnel.host_link);
        direct.source = address_of(family, facts.host_addresses);
        return direct;
    };
    const Ztunnel& active = facts.ztunnels.front();
    if (!active.host_link.empty())
        add(to(tables.inbound, active, *address_of(family, active.addresses)));
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        const auto address = address_of(family, ztunnel.addresses);
        if (!ztunnel.lane || !address) continue;
        const std::uint32_t table = lane_table(tables, *ztunnel.lane);
        add(to(table, ztunnel, *address));
        Route back = route(datapath, table, Prefix::everything(family), ztunnel.host_link, address);
        back.source = address_of(family, facts.host_addresses);
        back.onlink = true;
        add(back);
        add(last_resort(datapath, table, family));
    }

    add(route(datapath, tables.outbound, Prefix::everything(family), datapath.outbound.node_link,
              tunnel_address(datapath.outbound, End::ztunnel, family)));
    add(last_resort(datapath, tables.outbound, family));
    // What a pod sends to a ztunnel itself (metrics, say) reaches it directly, also one that is not
    // active: it answers in its own name, so the active one would never see the answer.
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        const auto own = address_of(family, ztunnel.addresses);
        if (own && !ztunnel.host_link.empty()) add(to(tables.outbound, ztunnel, *own));
    }
}

// Every one asks for a mark of ours: what is not captured meets others' rules as without us, and
// the kernel's and others' reverse-path checks find a pod where it is (CONTRACT U14, U17).
void add_policy_rules(NetnsState& state, const Datapath& datapath, const NodeFacts& facts,
                      Family family) {
    const auto add = [&](std::uint32_t priority, Mark mark, std::uint32_t table) {
        state.rules.push_back({.family = family,
                               .priority = priority,
                               .mark = mark,
                               .table = table,
                               .protocol = datapath.protocol});
    };
    const Priorities& priorities = datapath.priorities;
    const Tables& tables = datapath.tables;
    const Marks& marks = datapath.marks;
    add(priorities.outbound, arrived(marks, marks.outbound), tables.outbound);
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        if (!ztunnel.lane || !address_of(family, ztunnel.addresses)) continue;
        const std::uint32_t table = lane_table(tables, *ztunnel.lane);
        const auto own = [&](Mark mark) { return in_lane(marks, mark, *ztunnel.lane); };
        add(priorities.to_ztunnel, arrived(marks, own(marks.to_ztunnel)), table);
        // No packet is routed with this one: who checks the sender of what ztunnel sends in a pod's
        // name, and asks with its mark, hears that the way back leads to ztunnel.
        add(priorities.to_ztunnel, arriving(marks, own(marks.original_source)), table);
    }
    add(priorities.inbound, arrived(marks, marks.inbound), tables.inbound);
}

// A ztunnel sends with pods' and clients' addresses, which are reached by other devices.
void pass_spoofed_sources(NetnsState& state, const NodeFacts& facts) {
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        if (ztunnel.host_link.empty()) continue;
        state.sysctls.push_back(loose_rp_filter(ztunnel.host_link));
        if (ztunnel.lacks_address) {
            const auto host = *address_of(Family::ipv4, facts.host_addresses);
            state.addresses.push_back(lent_address(host, ztunnel.host_link));
        }
    }
}

}  // namespace

std::vector<Family> captured_families(const NodeFacts& facts) {
    if (facts.ztunnels.empty()) return {};
    return common_families(facts.host_addresses, facts.ztunnels.front().addresses);
}

NetnsState node_state(const Datapath& datapath, const NodeFacts& facts) {
    const auto families = captured_families(facts);
    if (families.empty()) return {};
    NetnsState state = pods_part(datapath, facts, families, facts.pods);
    state.tables.front().chains = node_chains(datapath, facts, families);

    const IpAddress remote = *address_of(families.front(), facts.ztunnels.front().addresses);
    add_tunnel_end(state, datapath, datapath.inbound, End::node, remote, families);
    add_tunnel_end(state, datapath, datapath.outbound, End::node, remote, families);
    for (const Family family : families) {
        add_routes_to_ztunnel(state, datapath, facts, family);
        add_policy_rules(state, datapath, facts, family);
        if (family == Family::ipv4) pass_spoofed_sources(state, facts);
    }
    sort(state);
    return state;
}

Scope node_scope(const Datapath& datapath, const NodeFacts& facts) {
    Scope scope{.protocol = datapath.protocol,
                .strays = true,
                .links = {datapath.inbound.node_link, datapath.outbound.node_link},
                .routes = {{.table = datapath.tables.inbound}, {.table = datapath.tables.outbound}},
                .rule_priorities = {datapath.priorities.outbound, datapath.priorities.to_ztunnel,
                                    datapath.priorities.inbound},
                .sysctls = {rp_filter_path(datapath.inbound.node_link),
                            rp_filter_path(datapath.outbound.node_link)},
                .filter = {{.table = {.name = datapath.filter.table}}}};
    for (const std::uint32_t table : lane_tables(datapath))
        scope.routes.push_back({.table = table});
    for (const Ztunnel& ztunnel : facts.ztunnels) {
        if (ztunnel.host_link.empty()) continue;
        scope.sysctls.push_back(rp_filter_path(ztunnel.host_link));
        // The one to lend, and those that were. A CNI may have given the veth the same address:
        // that one is none of ours.
        auto lent = ztunnel.lent;
        const auto host = address_of(Family::ipv4, facts.host_addresses);
        if (ztunnel.lacks_address && host) lent.push_back(lent_address(*host, ztunnel.host_link));
        std::ranges::sort(lent);
        const auto repeated = std::ranges::unique(lent);
        scope.addresses.insert(scope.addresses.end(), lent.begin(), repeated.begin());
    }
    return scope;
}

NetnsState pods_state(const Datapath& datapath, const NodeFacts& facts,
                      const std::vector<EnrolledAddress>& pods) {
    const auto families = captured_families(facts);
    if (families.empty()) return {};
    return pods_part(datapath, facts, families, pods);
}

Scope pods_scope(const Datapath& datapath, const std::vector<IpAddress>& addresses) {
    auto keys = addresses;
    std::ranges::sort(keys);
    std::vector<Prefix> destinations;
    std::ranges::transform(keys, std::back_inserter(destinations), &Prefix::host);
    Scope scope{
        .protocol = datapath.protocol,
        .routes = {{.table = datapath.tables.inbound, .destinations = std::move(destinations)}},
        .filter = {{.table = {.name = datapath.filter.table},
                    .chains = false,
                    .keys = {{keys.begin(), keys.end()}}}}};
    return scope;
}

}  // namespace ambient::desired
