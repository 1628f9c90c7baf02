#include "tests/fake/reconcile_suite.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "common/json/state_json.hpp"
#include "common/kernel/reconcile.hpp"
#include "common/kernel/restorable.hpp"
#include "common/plan/diff.hpp"
#include "common/plan/print.hpp"
#include "tests/fake/faulty_kernel.hpp"

namespace ambient::fake {
namespace {

using model::NetnsState;

NetnsState observed(Kernel& kernel, const Scenario& scenario) {
    auto found = kernel.observe(scenario.scope);
    REQUIRE_MESSAGE(found.has_value(), describe(found.error()));
    return *found;
}

// What a repair would do. Empty without what it needs, and for what needs no change: nothing to
// inject a fault into.
plan::Plan plan_for(Kernel& kernel, const Scenario& scenario) {
    return plan::diff(scenario.wanted, observed(kernel, scenario), scenario.scope)
        .value_or(plan::Difference{})
        .plan;
}

// Where a fault makes a difference: a packet-filter transaction fails as one.
std::vector<std::size_t> fault_points(const plan::Plan& plan) {
    std::vector<std::size_t> points;
    for (std::size_t n = 0; n < plan.size(); ++n) {
        const bool inside =
            n > 0 && plan::is_filter_step(plan[n]) && plan::is_filter_step(plan[n - 1]);
        if (!inside) points.push_back(n);
    }
    return points;
}

void check_holds(Kernel& kernel, const Scenario& scenario) {
    const auto left = plan::diff(scenario.wanted, observed(kernel, scenario), scenario.scope);
    REQUIRE_MESSAGE(left.has_value(), describe(left.error()));
    CHECK_MESSAGE(left->plan.empty(), plan::to_string(left->plan));
}

// Equal, but for what no undo can make again.
void check_unchanged(Kernel& kernel, const Scenario& scenario, const NetnsState& before) {
    const auto after = observed(kernel, scenario);
    CHECK_EQ(json::dump(after, 1), json::dump(restorable(before, after), 1));
}

template <class T>
bool holds(const std::vector<T>& objects, const T& object) {
    return std::ranges::find(objects, object) != objects.end();
}

// Links of other kinds, and routes and rules that others made; a route over a link of ours lives
// and dies with it.
void check_foreign_kept(const NetnsState& before, const NetnsState& after,
                        const model::Scope& scope) {
    for (const auto& link : before.links) {
        if (!is_ours(link)) CHECK(holds(after.links, link));
    }
    for (const auto& route : before.routes) {
        const bool over_ours = std::ranges::find(scope.links, route.link) != scope.links.end();
        if (route.protocol != scope.protocol && !over_ours) CHECK(holds(after.routes, route));
    }
    for (const auto& rule : before.rules) {
        if (rule.protocol != scope.protocol) CHECK(holds(after.rules, rule));
    }
}

// The rest is made right, what is foreign is kept, and named as long as it stands.
void check_repairs_around(Kernel& kernel, const Scenario& scenario) {
    const auto before = observed(kernel, scenario);
    for (const bool again : {false, true}) {
        const auto repaired = repair(kernel, scenario.wanted, scenario.scope);
        REQUIRE_MESSAGE(repaired.has_value(), describe(repaired.error()));
        const auto left = plan::diff(scenario.wanted, observed(kernel, scenario), scenario.scope);
        CHECK(left->conflicts == repaired->conflicts);
        if (again) CHECK_MESSAGE(repaired->applied.empty(), plan::to_string(repaired->applied));
        check_holds(kernel, scenario);
        check_foreign_kept(before, observed(kernel, scenario), scenario.scope);
    }
}

}  // namespace

void check_converges(const Scenario& scenario, const MakeKernel& make) {
    CAPTURE(scenario.name);
    const auto kernel = make(scenario);
    const auto before = observed(*kernel, scenario);
    const auto expected = plan::diff_without_conflict(scenario.wanted, before, scenario.scope);
    const auto applied = reconcile(*kernel, scenario.wanted, scenario.scope);
    CHECK_EQ(applied.has_value(), expected.has_value());
    if (!applied) {
        if (!expected) CHECK_EQ(describe(applied.error()), describe(expected.error()));
        check_unchanged(*kernel, scenario, before);
        if (!expected && expected.error().kind == ErrorKind::conflict)
            check_repairs_around(*kernel, scenario);
        return;
    }
    check_holds(*kernel, scenario);
    check_foreign_kept(before, observed(*kernel, scenario), scenario.scope);
    const auto again = reconcile(*kernel, scenario.wanted, scenario.scope);
    REQUIRE(again.has_value());
    CHECK_MESSAGE(again->empty(), plan::to_string(*again));
}

void check_every_fault_is_undone(const Scenario& scenario, const MakeKernel& make) {
    CAPTURE(scenario.name);
    for (const auto n : fault_points(plan_for(*make(scenario), scenario))) {
        CAPTURE(n);
        const auto kernel = make(scenario);
        const auto before = observed(*kernel, scenario);
        FaultyKernel faulty(*kernel);
        faulty.fail_step(n, FaultyKernel::fault());
        const auto outcome = repair(faulty, scenario.wanted, scenario.scope);
        REQUIRE(faulty.failed());
        REQUIRE_FALSE(outcome.has_value());
        CHECK_EQ(describe(outcome.error()), describe(FaultyKernel::fault()));
        check_unchanged(*kernel, scenario, before);
    }
}

void check_no_lost_observation_undoes(const Scenario& scenario, const MakeKernel& make) {
    CAPTURE(scenario.name);
    for (std::size_t n = 0;; ++n) {
        CAPTURE(n);
        const auto kernel = make(scenario);
        const auto twin = make(scenario);
        FaultyKernel faulty(*kernel);
        faulty.fail_observation(n);
        const auto outcome = repair(faulty, scenario.wanted, scenario.scope);
        if (!faulty.failed()) break;
        REQUIRE_FALSE(outcome.has_value());
        // What as many passes do to another such kernel.
        for (std::size_t pass = 0; pass < n; ++pass)
            REQUIRE(twin->apply(plan_for(*twin, scenario)).has_value());
        CHECK_EQ(json::dump(observed(*kernel, scenario), 1),
                 json::dump(observed(*twin, scenario), 1));
    }
}

void check_every_race_is_healed(const Scenario& scenario, const MakeKernel& make) {
    CAPTURE(scenario.name);
    for (const auto n : fault_points(plan_for(*make(scenario), scenario))) {
        CAPTURE(n);
        const auto kernel = make(scenario);
        FaultyKernel faulty(*kernel);
        faulty.fail_step(n, Error{.kind = ErrorKind::already_exists, .doing = "lose a race"});
        const auto outcome = repair(faulty, scenario.wanted, scenario.scope);
        REQUIRE_MESSAGE(outcome.has_value(), describe(outcome.error()));
        check_holds(*kernel, scenario);
    }
}

void check_every_crash_is_repaired(const Scenario& scenario, const MakeKernel& make) {
    CAPTURE(scenario.name);
    for (const auto n : fault_points(plan_for(*make(scenario), scenario))) {
        CAPTURE(n);
        const auto kernel = make(scenario);
        FaultyKernel faulty(*kernel);
        faulty.fail_step(n, FaultyKernel::fault());
        REQUIRE_FALSE(faulty.apply(plan_for(*kernel, scenario)).has_value());
        const auto outcome = repair(*kernel, scenario.wanted, scenario.scope);
        REQUIRE_MESSAGE(outcome.has_value(), describe(outcome.error()));
        check_holds(*kernel, scenario);
    }
}

void check_all(const Scenario& scenario, const MakeKernel& make) {
    check_converges(scenario, make);
    check_every_fault_is_undone(scenario, make);
    check_no_lost_observation_undoes(scenario, make);
    check_every_race_is_healed(scenario, make);
    check_every_crash_is_repaired(scenario, make);
}

}  // namespace ambient::fake
