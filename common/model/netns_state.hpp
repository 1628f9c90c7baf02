// Everything that we want, or found, in the kernel of one network namespace; and the part of it
// that we look at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/address.hpp"
#include "common/model/filter_table.hpp"
#include "common/model/link.hpp"
#include "common/model/policy_rule.hpp"
#include "common/model/route.hpp"
#include "common/model/sysctl.hpp"

namespace ambient::model {

// Every vector is sorted by key() and holds a key once, sets, chains and elements inside a table
// too; rules inside a chain keep their order. sort() makes it so.
struct NetnsState {
    std::vector<Link> links = {};
    std::vector<InterfaceAddress> addresses = {};
    std::vector<Route> routes = {};
    std::vector<PolicyRule> rules = {};
    std::vector<Sysctl> sysctls = {};
    std::vector<FilterTable> tables = {};

    bool operator==(const NetnsState&) const = default;
};

void sort(NetnsState& state);

// The part of a namespace that an observation covers, and what in it is ours.
//
// Ours, and deleted when no longer wanted: links of these names that are of our kinds (is_ours; any
// address on them with them), routes and rules with our protocol number, the packet-filter table.
// Anything else on our keys is foreign: observed, never deleted, a conflict when it stands where
// something is wanted. A sysctl is never deleted.
struct Scope {
    std::uint8_t protocol = 0;
    std::vector<std::string> links = {};
    std::vector<std::uint32_t> route_tables = {};
    std::vector<std::uint32_t> rule_priorities = {};
    std::vector<std::string> sysctls = {};
    std::vector<TableId> filter_tables = {};
    // When set, only these pods' part is observed: their host routes in route_tables, the sysctls,
    // and their elements in the sets of filter_tables (chains are left out). The cost is then that
    // of the pods named, not of the node.
    std::optional<std::vector<IpAddress>> pods = std::nullopt;

    bool operator==(const Scope&) const = default;
};

}  // namespace ambient::model
