#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "common/plan/draft.hpp"
#include "common/plan/merge_walk.hpp"

namespace ambient::plan {
namespace {

// The link that a per-device sysctl belongs to, "istioin" of "net/ipv4/conf/istioin/rp_filter";
// empty for others.
std::string_view link_of_sysctl(std::string_view path) {
    for (const std::string_view folder :
         {"net/ipv4/conf/", "net/ipv6/conf/", "net/ipv4/neigh/", "net/ipv6/neigh/"}) {
        if (!path.starts_with(folder)) continue;
        path.remove_prefix(folder.size());
        return path.substr(0, path.find('/'));
    }
    return {};
}

// A foreign rule at one of our priorities is a conflict: which of the two the kernel asks first
// depends on who came first (net/core/fib_rules.c, fib_nl_newrule).
bool wanted_at(const model::NetnsState& wanted, const model::PolicyRule& rule) {
    return std::ranges::any_of(wanted.rules, [&](const model::PolicyRule& want) {
        return want.family == rule.family && want.priority == rule.priority;
    });
}

// A route through a gateway needs the one that leads to the gateway.
void put_in_order(std::vector<model::Route> routes, Plan& plan) {
    const auto rank = [](const model::Route& route) {
        return std::pair(route.type != model::RouteType::unreachable, route.gateway.has_value());
    };
    // Each is moved once: sorting a thousand routes moves each of them ten times.
    for (const bool leads : {false, true}) {
        for (const bool by_gateway : {false, true}) {
            for (auto& route : routes) {
                if (rank(route) == std::pair(leads, by_gateway))
                    plan.emplace_back(PutRoute{std::move(route)});
            }
        }
    }
}

}  // namespace

void diff_routes(const model::NetnsState& wanted, const model::NetnsState& found,
                 const model::Scope& scope, Draft& draft) {
    using model::Route;
    std::vector<Route> added;
    std::vector<Route> changed;
    const auto add = [&](const Route& route) { added.push_back(route); };
    const auto gone = [&](const Route& route) { return draft.replaced_links.contains(route.link); };
    merge_walk(
        wanted.routes, found.routes, add,
        [&](const Route& have) {
            if (have.protocol == scope.protocol && !gone(have)) {
                draft.delete_routes.emplace_back(DeleteRoute{have});
            }
        },
        [&](const Route& want, const Route& have) {
            if (want == have && !gone(have)) return;
            if (want != have && have.protocol != scope.protocol) {
                draft.conflicts.push_back({have});
                if (have.destination.is_host()) draft.conflicted.insert(have.destination.address());
                return;
            }
            (gone(have) ? added : changed).push_back(want);
        });
    put_in_order(std::move(added), draft.add_routes);
    put_in_order(std::move(changed), draft.change_routes);
}

void diff_rules(const model::NetnsState& wanted, const model::NetnsState& found,
                const model::Scope& scope, Draft& draft) {
    using model::PolicyRule;
    const auto conflict = [&](const PolicyRule& have) { draft.conflicts.push_back({have}); };
    merge_walk(
        wanted.rules, found.rules,
        [&](const PolicyRule& want) { draft.add_rules.emplace_back(AddRule{want}); },
        [&](const PolicyRule& have) {
            if (have.protocol == scope.protocol) {
                draft.delete_rules.emplace_back(DeleteRule{have});
            } else if (wanted_at(wanted, have)) {
                conflict(have);
            }
        },
        // The key is all of a rule but its protocol.
        [&](const PolicyRule& want, const PolicyRule& have) {
            if (want.protocol != have.protocol) conflict(have);
        });
    std::ranges::reverse(draft.delete_rules);
}

void diff_sysctls(const model::NetnsState& wanted, const model::NetnsState& found, Draft& draft) {
    using model::Sysctl;
    const auto set = [&](const Sysctl& want) { draft.sysctls.emplace_back(SetSysctl{want}); };
    merge_walk(
        wanted.sysctls, found.sysctls, set, [](const Sysctl&) {},
        [&](const Sysctl& want, const Sysctl& have) {
            const bool reset = draft.replaced_links.contains(link_of_sysctl(have.path));
            if (want != have || reset) set(want);
        });
}

}  // namespace ambient::plan
