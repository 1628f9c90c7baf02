// Every folder of tests/plan.
#include <doctest/doctest.h>

#include "common/plan/diff.hpp"
#include "common/plan/print.hpp"
#include "tests/fake/scenario.hpp"

namespace ambient {
namespace {

TEST_CASE("the difference of two states is the plan that its case says") {
    const auto cases = fake::plan_cases();
    REQUIRE(cases.size() >= 25);
    for (const auto& [scenario, plan, conflicts, error] : cases) {
        CAPTURE(scenario.name);
        const auto got = plan::diff(scenario.wanted, scenario.found, scenario.scope);
        if (error.empty()) {
            REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
            CHECK_EQ(plan::to_string(got->plan), plan);
            std::string lines;
            for (const auto& conflict : got->conflicts)
                lines += plan::to_string(conflict) + "\n";
            CHECK_EQ(lines, conflicts);
        } else {
            REQUIRE_FALSE(got.has_value());
            CHECK_EQ(describe(got.error()) + "\n", error);
        }
    }
}

TEST_CASE("a state differs from itself by nothing") {
    for (const auto& plan_case : fake::plan_cases()) {
        const auto& scenario = plan_case.scenario;
        CAPTURE(scenario.name);
        for (const auto& state : {scenario.wanted, scenario.found}) {
            const auto got = plan::diff(state, state, scenario.scope);
            REQUIRE(got.has_value());
            CHECK(got->plan.empty());
            CHECK(got->conflicts.empty());
        }
    }
}

}  // namespace
}  // namespace ambient
