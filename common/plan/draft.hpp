// A plan in the making: its steps by stage, and what the diffs of the object kinds tell each other.
// Internal to common/plan.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"
#include "common/plan/conflict.hpp"
#include "common/plan/plan.hpp"

namespace ambient::plan {

struct Draft {
    // In the order in which they are applied (diff.hpp).
    Plan clear_links;  // the deletes of links that are replaced: a new one may need what they hold
    Plan make_links;
    Plan delete_addresses;
    Plan add_addresses;
    Plan sysctls;
    Plan add_routes;
    Plan add_rules;
    Plan filter;
    Plan change_routes;
    Plan delete_rules;
    Plan delete_routes;
    Plan delete_links;

    // Found links by what becomes of them; the kernel takes addresses, routes and sysctls of a
    // link with it (net/core/dev.c, unregister_netdevice: NETDEV_UNREGISTER).
    std::set<std::string, std::less<>> replaced_links;
    std::set<std::string, std::less<>> deleted_links;
    std::set<std::string, std::less<>> foreign_links;

    std::vector<Conflict> conflicts;   // foreign objects on our keys
    std::set<IpAddress> conflicted;    // whose host route one of them is
    std::vector<std::string> missing;  // what somebody else must set up first
};

// Links first: the others read what becomes of them.
void diff_links(const model::NetnsState& wanted, const model::NetnsState& found, Draft& draft);
void diff_addresses(const model::NetnsState& wanted, const model::NetnsState& found, Draft& draft);
void diff_routes(const model::NetnsState& wanted, const model::NetnsState& found,
                 const model::Scope& scope, Draft& draft);
void diff_rules(const model::NetnsState& wanted, const model::NetnsState& found,
                const model::Scope& scope, Draft& draft);
void diff_sysctls(const model::NetnsState& wanted, const model::NetnsState& found, Draft& draft);
void diff_tables(const model::NetnsState& wanted, const model::NetnsState& found,
                 const model::Scope& scope, Draft& draft);

}  // namespace ambient::plan
