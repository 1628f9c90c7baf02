#include "tests/fake/fake_kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/base/overloaded.hpp"
#include "common/plan/print.hpp"
#include "tests/fake/fake_filter.hpp"
#include "tests/fake/keyed.hpp"

namespace ambient::fake {
namespace {

using namespace model;

constexpr MacAddress kChosenMac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr std::uint32_t kGeneveMtu =
    1450;  // drivers/net/geneve.c, geneve_link_config on a 1500 path

std::string rp_filter(const std::string& link) { return "net/ipv4/conf/" + link + "/rp_filter"; }

// What the kernel chooses itself.
Link settled(Link link) {
    if (!link.mac) link.mac = kChosenMac;
    if (!link.mtu) link.mtu = kGeneveMtu;
    return link;
}

// One namespace in the middle of an apply. Functions return 0 or the errno that the kernel has for
// it.
struct Namespace {
    NetnsState& state;
    const Surroundings& surroundings;

    // drivers/net/geneve.c, geneve_configure: one device a tunnel.
    int create_link(const Link& link) {
        if (find(state.links, link.name) || surroundings.links.contains(link.name)) return EEXIST;
        const bool taken = std::holds_alternative<Geneve>(link.kind) &&
                           std::ranges::any_of(state.links, [&](const Link& other) {
                               return other.kind == link.kind;
                           });
        if (taken) return EBUSY;
        put(state.links, settled(link));
        put(state.sysctls, Sysctl{rp_filter(link.name), "0"});
        return 0;
    }

    // net/core/rtnetlink.c, do_setlink; drivers/net/geneve.c, geneve_changelink refuses all but the
    // remote.
    int change_link(const Link& wanted) {
        auto* link = find(state.links, wanted.name);
        if (!link) return ENODEV;
        if (change_needed(wanted, *link) == LinkChange::replace) return EOPNOTSUPP;
        const bool goes_down = link->up && !wanted.up;
        Link changed = wanted;
        if (!changed.mac) changed.mac = link->mac;
        if (!changed.mtu) changed.mtu = link->mtu;
        *link = changed;
        if (goes_down) flush(wanted.name);
        return 0;
    }

    // What a link that goes down loses: its routes (net/ipv4/fib_frontend.c, fib_disable_ip;
    // net/ipv6/route.c, rt6_disable_ip) and its IPv6 addresses (net/ipv6/addrconf.c,
    // addrconf_ifdown).
    void flush(const std::string& link) {
        std::erase_if(state.routes, [&](const Route& r) { return r.link == link; });
        std::erase_if(state.addresses, [&](const InterfaceAddress& a) {
            return a.link == link && a.address.family() == Family::ipv6;
        });
    }

    int delete_link(const std::string& name) {
        if (!remove(state.links, name)) return 0;  // as LinuxKernel: gone is gone
        flush(name);
        std::erase_if(state.addresses, [&](const InterfaceAddress& a) { return a.link == name; });
        remove(state.sysctls, rp_filter(name));
        return 0;
    }

    int add_address(const InterfaceAddress& address) {
        if (!find(state.links, address.link) && !surroundings.links.contains(address.link))
            return ENODEV;
        if (find(state.addresses, key(address))) return EEXIST;
        put(state.addresses, address);
        return 0;
    }

    // net/ipv4/fib_semantics.c, fib_sync_down_addr; net/ipv6/route.c, rt6_remove_prefsrc: routes
    // with this source go too (IPv6 ones only lose it; that is left out here).
    int delete_address(const InterfaceAddress& address) {
        remove(state.addresses, key(address));
        std::erase_if(state.routes, [&](const Route& r) { return r.source == address.address; });
        return 0;
    }

    bool is_up(const std::string& name) const {
        const auto* link = find(std::as_const(state.links), name);
        return link ? link->up : surroundings.links.contains(name);
    }

    bool is_local(const IpAddress& address) const {
        const auto same = [&](const InterfaceAddress& a) { return a.address == address; };
        return surroundings.addresses.contains(address) ||
               std::ranges::any_of(state.addresses, same);
    }

    // net/ipv4/fib_semantics.c, fib_check_nh; net/ipv6/route.c, ip6_route_check_nh.
    bool is_reachable(const IpAddress& gateway, const std::string& link) const {
        return std::ranges::any_of(state.addresses, [&](const InterfaceAddress& a) {
            return a.link == link && Prefix::make(a.address, a.prefix_length)->contains(gateway);
        });
    }

    int put_route(const Route& route) {
        if (route.type == RouteType::unreachable) return put(state.routes, route), 0;
        if (!find(state.links, route.link) && !surroundings.links.contains(route.link))
            return ENODEV;
        if (!is_up(route.link)) return ENETDOWN;
        if (route.source && !is_local(*route.source)) return EINVAL;
        if (route.gateway && !route.onlink && !is_reachable(*route.gateway, route.link))
            return ENETUNREACH;
        put(state.routes, route);
        return 0;
    }

    // net/core/fib_rules.c, rule_exists: the protocol does not count.
    int add_rule(const PolicyRule& rule) {
        if (find(state.rules, key(rule))) return EEXIST;
        put(state.rules, rule);
        return 0;
    }

    int set_sysctl(const Sysctl& wanted) {
        auto* sysctl = find(state.sysctls, wanted.path);
        if (!sysctl) return ENOENT;
        *sysctl = wanted;
        return 0;
    }

    int apply(const plan::Step& step) {
        return std::visit(
            Overloaded{
                [&](const plan::CreateLink& s) { return create_link(s.link); },
                [&](const plan::ChangeLink& s) { return change_link(s.wanted); },
                [&](const plan::DeleteLink& s) { return delete_link(s.link.name); },
                [&](const plan::AddAddress& s) { return add_address(s.address); },
                [&](const plan::DeleteAddress& s) { return delete_address(s.address); },
                [&](const plan::PutRoute& s) { return put_route(s.route); },
                [&](const plan::DeleteRoute& s) { return remove(state.routes, key(s.route)), 0; },
                [&](const plan::AddRule& s) { return add_rule(s.rule); },
                [&](const plan::DeleteRule& s) { return remove(state.rules, key(s.rule)), 0; },
                [&](const plan::SetSysctl& s) { return set_sysctl(s.wanted); },
                [&](const auto&) { return apply_filter_step(state.tables, step); },
            },
            step);
    }
};

}  // namespace

FakeKernel::FakeKernel(NetnsState state, Surroundings surroundings)
    : state_(std::move(state)), surroundings_(std::move(surroundings)) {
    for (auto& link : state_.links)
        link = settled(link);
    for (const auto& link : state_.links) {
        if (!find(state_.sysctls, rp_filter(link.name)))
            put(state_.sysctls, Sysctl{rp_filter(link.name), "0"});
    }
    for (const auto& path : surroundings_.sysctls) {
        if (!find(state_.sysctls, path)) put(state_.sysctls, Sysctl{path, "0"});
    }
}

std::expected<void, ApplyError> FakeKernel::apply(const plan::Plan& plan) {
    Namespace space{state_, surroundings_};
    std::size_t transaction = 0;      // where the transaction that a step belongs to began
    std::vector<FilterTable> tables;  // as they were then
    for (std::size_t i = 0; i < plan.size(); ++i) {
        const bool filter = plan::is_filter_step(plan[i]);
        if (!filter || i == 0 || !plan::is_filter_step(plan[i - 1])) {
            transaction = i;
            tables = state_.tables;
        }
        const int code = space.apply(plan[i]);
        if (code == 0) continue;
        state_.tables = tables;
        return std::unexpected(
            ApplyError{transaction, errno_error(code, "apply", plan::to_string(plan[i]))});
    }
    return {};
}

}  // namespace ambient::fake
