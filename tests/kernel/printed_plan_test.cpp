// A plan is what it prints: its lines, run by ip, sysctl and nft, lead to the state that it stands
// for.
#include <algorithm>
#include <functional>
#include <set>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "common/kernel/linux_kernel.hpp"
#include "common/plan/diff.hpp"
#include "common/plan/print.hpp"
#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/scenario_kernel.hpp"

namespace ambient::test {
namespace {

void check_printed(const fake::Scenario& scenario) {
    CAPTURE(scenario.name);
    const auto netns = new_netns();
    make_found(netns, scenario);
    auto kernel = Sandbox::open_kernel(netns);
    const auto plan = plan::diff_without_conflict(
        scenario.wanted, kernel.observe(scenario.scope).value(), scenario.scope);
    REQUIRE_MESSAGE(plan.has_value(), describe(plan.error()));
    const auto lines = plan::to_string(*plan);
    CAPTURE(lines);
    const Inside inside(netns);
    const auto outcome = run({"sh", "-e", "-c", lines});
    REQUIRE_MESSAGE(outcome.status == 0, outcome.output);
    const auto left = plan::diff_without_conflict(
        scenario.wanted, kernel.observe(scenario.scope).value(), scenario.scope);
    REQUIRE_MESSAGE(left.has_value(), describe(left.error()));
    CHECK_MESSAGE(left->empty(), plan::to_string(*left));
}

// The longest first; a case all of whose lines ran before proves nothing new, and processes are
// dear in the VM.
void check_printed(std::vector<fake::PlanCase> cases) {
    std::ranges::sort(cases, std::greater{}, [](const fake::PlanCase& c) { return c.plan.size(); });
    std::set<std::string> seen;
    for (const auto& [scenario, plan, conflicts, error] : cases) {
        if (!conflicts.empty()) continue;
        bool fresh = false;
        std::istringstream lines(plan);
        for (std::string line; std::getline(lines, line);)
            fresh = seen.insert(line).second || fresh;
        if (fresh) check_printed(scenario);
    }
}

TEST_CASE("printed plans without tunnels") { check_printed(plan_cases(/*with_geneve=*/false)); }

TEST_CASE("printed plans with tunnels" * doctest::test_suite("geneve")) {
    check_printed(plan_cases(/*with_geneve=*/true));
}

}  // namespace
}  // namespace ambient::test
