// A wanted and a found state: from the folders of tests/plan, or made at random.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"

namespace ambient::fake {

struct Scenario {
    std::string name;
    model::NetnsState wanted;
    model::NetnsState found;
    model::Scope scope;
};

struct PlanCase {
    Scenario scenario;
    std::string plan;       // the printed plan that is expected
    std::string conflicts;  // and what it goes around, one a line
    std::string error;      // or the error's text
};

// All of tests/plan, by name. The current folder is the repository's root. Ends the test program on
// a file that does not parse: a case that cannot run is a failure.
std::vector<PlanCase> plan_cases();

// Two states of a few small object kinds, each of which a kernel can hold; the found one with
// foreign objects. The same seed makes the same scenario.
Scenario random_scenario(std::uint32_t seed);

}  // namespace ambient::fake
