// The suite that any kernel must pass (tests/fake/reconcile_suite.hpp), on Linux: also proof that
// the fake refuses and does what Linux does.
#include <doctest/doctest.h>

#include "tests/fake/reconcile_suite.hpp"
#include "tests/kernel/scenario_kernel.hpp"

namespace ambient::test {
namespace {

// Races and crashes are left to the fake kernel: nothing in them is Linux's own, and namespaces are
// dear in the VM.
void check(const fake::Scenario& scenario) {
    fake::check_converges(scenario, make_linux);
    fake::check_every_fault_is_undone(scenario, make_linux);
}

TEST_CASE("plan cases without tunnels converge, and are undone when a step fails") {
    for (const auto& plan_case : plan_cases(/*with_geneve=*/false))
        check(plan_case.scenario);
}

TEST_CASE("plan cases with tunnels converge, and are undone when a step fails" *
          doctest::test_suite("geneve")) {
    for (const auto& plan_case : plan_cases(/*with_geneve=*/true))
        check(plan_case.scenario);
}

TEST_CASE("a node's and a pod's part settle as one, and are both undone when a step fails") {
    const auto cases = plan_cases(/*with_geneve=*/false);
    for (std::size_t i = 0; i + 1 < cases.size(); i += 2) {
        const auto& node = cases[i].scenario;
        const auto& pod = cases[i + 1].scenario;
        fake::check_parts_settle(node, pod, make_linux);
        fake::check_every_fault_in_parts_is_undone(node, pod, make_linux);
    }
}

TEST_CASE("random scenarios converge, and are undone when a step fails" *
          doctest::test_suite("geneve")) {
    for (std::uint32_t seed = 1; seed <= 5; ++seed)
        check(fake::random_scenario(seed));
}

}  // namespace
}  // namespace ambient::test
