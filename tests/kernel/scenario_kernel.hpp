// The scenarios of tests/fake on Linux: each in a namespace of its own.
#pragma once

#include <memory>
#include <vector>

#include "common/kernel/kernel.hpp"
#include "common/netns/netns.hpp"
#include "tests/fake/scenario.hpp"

namespace ambient::test {

// Brings a fresh namespace into the scenario's found state, and makes what it takes for granted
// (tests/fake/surroundings.hpp) out of veth pairs. What the model cannot say is left out: other
// tests make that by ip(8) and nft(8).
void make_found(const Netns& netns, const fake::Scenario& scenario);

// A new namespace in that state.
std::unique_ptr<Kernel> make_linux(const fake::Scenario& scenario);

// The plan cases that can be made here, those with Geneve devices or those without.
std::vector<fake::PlanCase> plan_cases(bool with_geneve);

}  // namespace ambient::test
