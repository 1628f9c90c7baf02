// What must hold of reconcile() on any kernel: run on the fake by tests/unit/kernel, on Linux by
// tests/kernel. Checks are doctest's.
#pragma once

#include <functional>
#include <memory>

#include "common/kernel/kernel.hpp"
#include "tests/fake/scenario.hpp"

namespace ambient::fake {

// A kernel in a state that holds the scenario's found one, and its surroundings (surroundings.hpp).
// Called many times: each must be a namespace of its own.
using MakeKernel = std::function<std::unique_ptr<Kernel>(const Scenario&)>;

// Reconciling reaches the wanted state, or reports a conflict before any write, around which a
// repair then goes; a second time has nothing to do; what is foreign is still there.
void check_converges(const Scenario& scenario, const MakeKernel& make);

// For every n, with the n-th step failing (a packet-filter transaction is one): what was observed
// before is observed again.
void check_every_fault_is_undone(const Scenario& scenario, const MakeKernel& make);

// For every n, with the n-th observation failing: what was applied before it stays.
void check_no_lost_observation_undoes(const Scenario& scenario, const MakeKernel& make);

// For every n, with the n-th step failing as it does when somebody else was faster: converges all
// the same.
void check_every_race_is_healed(const Scenario& scenario, const MakeKernel& make);

// For every n, killed after n steps and started again: converges.
void check_every_crash_is_repaired(const Scenario& scenario, const MakeKernel& make);

void check_all(const Scenario& scenario, const MakeKernel& make);

// Two parts, each scenario in a namespace of its own: both settle; and for every n, with the n-th
// step of one of them failing, both are as they were before.
void check_parts_settle(const Scenario& first, const Scenario& second, const MakeKernel& make);
void check_every_fault_in_parts_is_undone(const Scenario& first, const Scenario& second,
                                          const MakeKernel& make);

}  // namespace ambient::fake
