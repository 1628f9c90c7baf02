// A policy routing rule.
#pragma once

#include <compare>
#include <cstdint>
#include <tuple>
#include <variant>

#include "common/net/ip_address.hpp"
#include "common/net/mark.hpp"

namespace ambient::model {

struct Lookup {
    std::uint32_t table = 0;
    auto operator<=>(const Lookup&) const = default;
};
// Continue at the rule of this priority.
struct Goto {
    std::uint32_t priority = 0;
    auto operator<=>(const Goto&) const = default;
};
using RuleAction = std::variant<Lookup, Goto>;

// `mark` with mask 0 matches every packet. A rule with selectors or an action that this type cannot
// say has `beyond_model` set and equals nothing that we want.
struct PolicyRule {
    Family family = Family::ipv4;
    std::uint32_t priority = 0;
    Mark mark = {.value = 0, .mask = 0};
    RuleAction action;
    std::uint8_t protocol = 0;
    bool beyond_model = false;

    auto operator<=>(const PolicyRule&) const = default;
};

// Identity: everything but the protocol (net/core/fib_rules.c, rule_exists); nothing changes in
// place.
inline auto key(const PolicyRule& r) {
    return std::tuple(r.family, r.priority, r.mark, r.action, r.beyond_model);
}

}  // namespace ambient::model
