#include "tests/kernel/scenario_kernel.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "common/kernel/linux_kernel.hpp"
#include "common/kernel/restorable.hpp"
#include "common/plan/diff.hpp"
#include "tests/fake/surroundings.hpp"
#include "tests/kernel/sandbox.hpp"

namespace ambient::test {
namespace {

model::NetnsState surroundings_of(const fake::Scenario& scenario) {
    fake::Surroundings surroundings;
    surroundings.add(scenario.wanted, scenario.scope);
    surroundings.add(scenario.found, scenario.scope);
    surroundings.links.erase("lo");
    model::NetnsState state;
    for (const auto& link : surroundings.links) {
        state.links.push_back({.name = link, .kind = model::Veth{link + "p"}, .up = true});
    }
    for (const auto& address : surroundings.addresses) {
        state.addresses.push_back({"lo", address, address_bits(address.family())});
    }
    return state;
}

void apply(Kernel& kernel, const model::NetnsState& state) {
    const auto plan = plan::diff_without_conflict(state, {}, {});
    REQUIRE_MESSAGE(plan.has_value(), describe(plan.error()));
    const auto applied = kernel.apply(*plan);
    REQUIRE_MESSAGE(applied.has_value(), describe(applied.error().error));
}

// The end of a pair whose other end is elsewhere: not made here.
bool has_pods_veth(const model::NetnsState& state) {
    return std::ranges::any_of(state.links, [](const model::Link& link) {
        const auto* veth = std::get_if<model::Veth>(&link.kind);
        return veth && veth->peer.empty();
    });
}

bool has_geneve(const model::NetnsState& state) {
    return std::ranges::any_of(state.links, [](const model::Link& link) {
        return std::holds_alternative<model::Geneve>(link.kind);
    });
}

}  // namespace

void make_found(const Netns& netns, const fake::Scenario& scenario) {
    auto kernel = Sandbox::open_kernel(netns);
    const model::Link lo{.name = "lo", .kind = model::OtherLink{"loopback"}};
    auto lo_up = lo;
    lo_up.up = true;
    REQUIRE(kernel.apply({plan::ChangeLink{.wanted = lo_up, .found = lo}}).has_value());
    apply(kernel, surroundings_of(scenario));
    auto found = restorable(scenario.found, {});
    found.links = scenario.found.links;
    apply(kernel, found);
}

std::unique_ptr<Kernel> make_linux(const fake::Scenario& scenario) {
    const auto netns = new_netns();
    make_found(netns, scenario);
    return std::make_unique<LinuxKernel>(Sandbox::open_kernel(netns));
}

std::vector<fake::PlanCase> plan_cases(bool with_geneve) {
    auto cases = fake::plan_cases();
    std::erase_if(cases, [&](const fake::PlanCase& plan_case) {
        const auto& [name, wanted, found, scope] = plan_case.scenario;
        if (has_pods_veth(found)) return true;
        return (has_geneve(wanted) || has_geneve(found)) != with_geneve;
    });
    return cases;
}

}  // namespace ambient::test
