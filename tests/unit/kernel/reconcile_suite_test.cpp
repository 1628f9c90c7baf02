// The suite that any kernel must pass, on the one in memory.
#include "tests/fake/reconcile_suite.hpp"

#include <doctest/doctest.h>

#include "tests/fake/fake_kernel.hpp"

namespace ambient {
namespace {

std::unique_ptr<Kernel> make_fake(const fake::Scenario& scenario) {
    fake::Surroundings surroundings;
    surroundings.add(scenario.wanted, scenario.scope);
    surroundings.add(scenario.found, scenario.scope);
    return std::make_unique<fake::FakeKernel>(scenario.found, surroundings);
}

TEST_CASE("every plan case converges, and is undone when a step of it fails") {
    for (const auto& plan_case : fake::plan_cases())
        fake::check_all(plan_case.scenario, make_fake);
}

TEST_CASE("every random scenario converges, and is undone when a step of it fails") {
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        fake::check_all(fake::random_scenario(seed), make_fake);
    }
}

TEST_CASE("two namespaces settle as one, and are both undone when a step of either fails") {
    for (std::uint32_t seed = 1; seed <= 40; ++seed) {
        const auto first = fake::random_scenario(seed);
        const auto second = fake::random_scenario(seed + 1000);
        fake::check_parts_settle(first, second, make_fake);
        fake::check_every_fault_in_parts_is_undone(first, second, make_fake);
    }
}

}  // namespace
}  // namespace ambient
