// Everything that we want, or found, in the kernel of one network namespace.
#pragma once

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

}  // namespace ambient::model
