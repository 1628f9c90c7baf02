// A policy routing rule.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <tuple>

#include "common/net/ip_address.hpp"
#include "common/net/mark.hpp"

namespace ambient::model {

// Packets of this mark look up this table. `mark` with mask 0 matches every packet. A rule with
// selectors or another action than this type can say has all of it in `beyond_model`, as `ip`
// prints it, and equals nothing that we want.
struct PolicyRule {
    Family family = Family::ipv4;
    std::uint32_t priority = 0;
    Mark mark = {.value = 0, .mask = 0};
    std::uint32_t table = 0;
    std::uint8_t protocol = 0;
    std::string beyond_model = {};

    auto operator<=>(const PolicyRule&) const = default;
};

// Identity: everything but the protocol (net/core/fib_rules.c, rule_exists); nothing changes in
// place.
inline auto key(const PolicyRule& r) {
    return std::tuple(r.family, r.priority, r.mark, r.table, r.beyond_model);
}

}  // namespace ambient::model
