#include <algorithm>
#include <random>
#include <utility>

#include "tests/fake/keyed.hpp"
#include "tests/fake/scenario.hpp"

namespace ambient::fake {
namespace {

using namespace model;

constexpr std::uint8_t kOurs = 122;
constexpr std::uint8_t kForeign = 4;
const InterfaceAddress kLent = {.link = "veth1",
                                .address = IpAddress::v4(192, 168, 126, 1),
                                .prefix_length = 32,
                                .scope = RouteScope::host};

// Small ranges, so that wanted and found objects often meet on a key.
class Generator {
  public:
    explicit Generator(std::uint32_t seed) : random_(seed) {}

    NetnsState state(bool with_foreign) {
        with_foreign_ = with_foreign;
        NetnsState state;
        for (const auto* name : {"istioin", "istioout"})
            add_link(state, name);
        for (std::uint32_t table = 100; table <= 101; ++table)
            add_routes(state, table);
        for (std::uint32_t priority = 100; priority <= 102; ++priority)
            add_rule(state, priority);
        if (chance(2)) state.addresses.push_back(kLent);
        if (chance(3))
            put(state.sysctls, Sysctl{"net/ipv4/conf/veth1/rp_filter", chance(2) ? "2" : "1"});
        if (chance(4)) state.tables.push_back(table());
        sort(state);
        return state;
    }

  private:
    // True in n - 1 of n cases.
    bool chance(int n) { return pick(n) != 0; }
    int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    std::uint8_t protocol() { return with_foreign_ && !chance(25) ? kForeign : kOurs; }

    void add_link(NetnsState& state, const std::string& name) {
        if (!chance(4)) return;
        if (with_foreign_ && !chance(20)) {
            state.links.push_back({.name = name, .kind = OtherLink{"bridge"}, .up = true});
            return;
        }
        const IpAddress remote = IpAddress::v4(10, 244, 1, static_cast<std::uint8_t>(10 + pick(2)));
        const auto vni = static_cast<std::uint32_t>((name == "istioin" ? 1000 : 2000) + pick(2));
        state.links.push_back(
            {.name = name, .kind = Geneve{.vni = vni, .remote = remote}, .up = chance(5)});
        for (const auto* text : {"192.168.126.1", "fd00:126::1"}) {
            const auto address = *IpAddress::parse(text);
            const bool ipv4 = address.family() == Family::ipv4;
            const bool up = state.links.back().up;
            if (chance(3) && (ipv4 || up))
                state.addresses.push_back({name, address, (ipv4 ? 30 : 126) - pick(2)});
        }
    }

    bool usable(const NetnsState& state, const std::string& link) {
        const auto same = [&](const Link& l) { return l.name == link && l.up; };
        return std::ranges::any_of(state.links, same);
    }

    void add_routes(NetnsState& state, std::uint32_t table) {
        for (const auto* text : {"10.244.1.11", "10.244.1.12", "0.0.0.0/0", "fd00:10:244:1::11"}) {
            if (!chance(2)) continue;
            const auto destination = *Prefix::parse(text);
            const bool ipv4 = destination.family() == Family::ipv4;
            Route route{.table = table,
                        .destination = destination,
                        .metric = ipv4 ? 0 : kIpv6DefaultMetric,
                        .scope = ipv4 ? RouteScope::link : RouteScope::universe,
                        .protocol = protocol(),
                        .link = chance(2) ? "veth1" : "istioin"};
            if (route.link == "istioin" && !usable(state, "istioin")) route.link = "veth2";
            if (route.link == "istioin" && ipv4) add_gateway(state, route);
            put(state.routes, route);
        }
        if (!chance(2)) return;
        put(state.routes, Route{.table = table,
                                .metric = 4294967295,
                                .type = RouteType::unreachable,
                                .protocol = kOurs,
                                .link = {}});
    }

    void add_gateway(const NetnsState& state, Route& route) {
        const auto gateway = IpAddress::v4(192, 168, 126, 2);
        const auto reaches = [&](const InterfaceAddress& a) {
            return a.link == route.link &&
                   Prefix::make(a.address, a.prefix_length)->contains(gateway);
        };
        if (!std::ranges::any_of(state.addresses, reaches) || !chance(3)) return;
        route.gateway = gateway;
        route.scope = RouteScope::universe;
    }

    void add_rule(NetnsState& state, std::uint32_t priority) {
        for (const auto family : {Family::ipv4, Family::ipv6}) {
            if (!chance(3)) continue;
            const PolicyRule rule{.family = family,
                                  .priority = priority,
                                  .mark = Mark::bits(0x100U << pick(2)),
                                  .table = static_cast<std::uint32_t>(100 + pick(2)),
                                  .protocol = protocol()};
            put(state.rules, rule);
        }
    }

    FilterTable table() {
        FilterTable table{.id = {.name = "ambient"}};
        for (const auto* name : {"pods", "spare"}) {
            if (chance(4)) table.sets.push_back(set(name));
        }
        if (chance(3))
            table.chains.push_back(
                {.name = "sub", .rules = {{.matches = {}, .actions = {Drop{}}}}});
        if (chance(4)) table.chains.push_back(base_chain(table));
        sort_chains(table);
        return table;
    }

    static void sort_chains(FilterTable& table) {
        std::ranges::sort(table.chains, {}, &FilterChain::name);
    }

    FilterSet set(const std::string& name) {
        FilterSet set{.name = name,
                      .type = address_set(chance(4) ? Family::ipv4 : Family::ipv6),
                      .elements = {}};
        for (std::uint8_t last = 1; last <= 4; ++last) {
            auto address = IpAddress::v4(10, 244, 1, last);
            if (set.type == SetType::ipv6_address)
                address = *IpAddress::parse("fd00::" + std::to_string(last));
            if (chance(2)) set.elements.push_back({address, chance(2) ? "a" : ""});
        }
        return set;
    }

    // Rules that name the table's sets and chains, in any order.
    FilterChain base_chain(const FilterTable& table) {
        FilterChain chain{
            .name = "prerouting",
            .hook = ChainHook{.hook = Hook::prerouting, .priority = chance(5) ? -150 : -140}};
        for (const auto& set : table.sets) {
            const InSet in_set{
                .family = set.type == SetType::ipv4_address ? Family::ipv4 : Family::ipv6,
                .set = set.name};
            if (chance(3))
                chain.rules.push_back({.matches = {in_set}, .actions = {Counter{}, Return{}}});
        }
        for (const auto& target : table.chains) {
            if (chance(3)) chain.rules.push_back({.matches = {}, .actions = {Jump{target.name}}});
        }
        std::ranges::shuffle(chain.rules, random_);
        return chain;
    }

    std::mt19937 random_;
    bool with_foreign_ = false;
};

}  // namespace

Scenario random_scenario(std::uint32_t seed) {
    Generator generator(seed);
    auto wanted = generator.state(false);
    auto found = generator.state(true);
    return {.name = "seed " + std::to_string(seed),
            .wanted = std::move(wanted),
            .found = std::move(found),
            .scope = {.protocol = kOurs,
                      .strays = true,
                      .links = {"istioin", "istioout"},
                      .addresses = {kLent},
                      .routes = {{.table = 100}, {.table = 101}},
                      .rule_priorities = {100, 101, 102},
                      .sysctls = {"net/ipv4/conf/veth1/rp_filter"},
                      .filter = {{.table = {.name = "ambient"}}}}};
}

}  // namespace ambient::fake
