// The part of a namespace that an observation covers, and what in it is ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/address.hpp"
#include "common/model/set_key.hpp"
#include "common/model/table_id.hpp"
#include "common/net/ip_address.hpp"

namespace ambient::model {

// The routes of one table: all, or those to exactly these destinations.
struct RouteSelector {
    std::uint32_t table = 0;
    std::optional<std::vector<Prefix>> destinations = std::nullopt;

    bool operator==(const RouteSelector&) const = default;
};

// A packet-filter table as a whole; or without its chains, only the elements of its sets: all, or
// those with one of these keys. Table and sets are then taken as they stand.
struct FilterSelector {
    TableId table;
    bool chains = true;  // false when there are keys
    std::optional<std::vector<SetKey>> keys = std::nullopt;

    bool operator==(const FilterSelector&) const = default;
};

// An observation costs what its scope selects, not what the namespace holds.
//
// Ours, and deleted when no longer wanted: links of these names that are of our kinds (is_ours; any
// address on them with them), these addresses on other links, routes and rules with our protocol
// number, packet-filter tables and elements. Anything else on our keys is foreign: observed, never
// deleted, a conflict when it stands where something is wanted. A sysctl is never deleted.
struct Scope {
    std::uint8_t protocol = 0;
    // Routes and rules with our protocol number in every table and at every priority, too: what an
    // earlier configuration has left.
    bool strays = false;
    std::vector<std::string> links = {};
    // Of ours on links that are not.
    std::vector<InterfaceAddress> addresses = {};
    std::vector<RouteSelector> routes = {};
    std::vector<std::uint32_t> rule_priorities = {};
    std::vector<std::string> sysctls = {};
    std::vector<FilterSelector> filter = {};

    bool operator==(const Scope&) const = default;
};

}  // namespace ambient::model
