// Something foreign where ours must be: it is left alone, and named.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/base/error.hpp"
#include "common/model/netns_state.hpp"

namespace ambient::plan {

struct Conflict {
    std::variant<model::Link, model::Route, model::PolicyRule> foreign;

    bool operator==(const Conflict&) const = default;
};

// "route 10.244.1.11 via 10.0.0.2 dev eth1 table 100 proto 4": the object as `ip` shows it, with
// numbers for tables and protocols.
std::string to_string(const Conflict& conflict);

// All of them as one error of that kind.
Error conflict_error(const std::vector<Conflict>& conflicts);

}  // namespace ambient::plan
