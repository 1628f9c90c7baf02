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
    for (const auto& [scenario, plan, error] : cases) {
        CAPTURE(scenario.name);
        const auto got = plan::diff(scenario.wanted, scenario.found, scenario.scope);
        if (error.empty()) {
            REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
            CHECK_EQ(plan::to_string(*got), plan);
        } else {
            REQUIRE_FALSE(got.has_value());
            CHECK_EQ(describe(got.error()) + "\n", error);
        }
    }
}

TEST_CASE("a state differs from itself by nothing") {
    for (const auto& [scenario, plan, error] : fake::plan_cases()) {
        CAPTURE(scenario.name);
        for (const auto& state : {scenario.wanted, scenario.found}) {
            const auto got = plan::diff(state, state, scenario.scope);
            REQUIRE(got.has_value());
            CHECK(got->empty());
        }
    }
}

}  // namespace
}  // namespace ambient
