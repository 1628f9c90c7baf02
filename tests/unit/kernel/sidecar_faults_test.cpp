// The states of sidecar pods through the suite that any kernel must pass: a fault at any step of
// ADD leaves what was there, be it nothing or what an earlier ADD made; and so with a node's part
// before it.
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "common/desired/sidecar.hpp"
#include "tests/fake/fake_kernel.hpp"
#include "tests/fake/reconcile_suite.hpp"
#include "tests/sidecar/cases.hpp"

namespace ambient {
namespace {

constexpr std::uint8_t kProtocol = 122;
const desired::SidecarNumbers kNumbers;

std::unique_ptr<Kernel> make_fake(const fake::Scenario& scenario) {
    fake::Surroundings surroundings;
    surroundings.add(scenario.wanted, scenario.scope);
    surroundings.add(scenario.found, scenario.scope);
    return std::make_unique<fake::FakeKernel>(scenario.found, surroundings);
}

// Of every pod in tests/sidecar that gets rules: its first ADD, and its ADD where the pod before
// it, in the order of the folders, has left its own.
std::vector<fake::Scenario> adds() {
    std::vector<fake::Scenario> adds;
    model::NetnsState before;
    for (const auto& it : test::sidecar_cases()) {
        if (!it.has("rules.txt")) continue;
        const auto parameters = desired::sidecar_parameters(it.pod, it.defaults);
        REQUIRE_MESSAGE(parameters.has_value(), describe(parameters.error()));
        auto wanted = desired::sidecar_state(kNumbers, kProtocol, *parameters);
        const auto scope = desired::sidecar_scope(kNumbers, kProtocol);
        const auto name = it.folder.filename().string();
        adds.push_back({.name = name, .wanted = wanted, .found = {}, .scope = scope});
        adds.push_back(
            {.name = name + ", again", .wanted = wanted, .found = before, .scope = scope});
        before = std::move(wanted);
    }
    CHECK(adds.size() > 40);
    return adds;
}

// A captured pod's part of the node, as the plugin adds it.
fake::Scenario node_part() {
    for (auto& it : fake::plan_cases()) {
        if (it.scenario.name == "plugin-adds-pod") return std::move(it.scenario);
    }
    FAIL("tests/plan/plugin-adds-pod is gone");
    return {};
}

}  // namespace

TEST_CASE("a sidecar pod's ADD converges, and is undone when a step of it fails") {
    for (const auto& add : adds())
        fake::check_all(add, make_fake);
}

TEST_CASE("an ADD of two parts is undone in both, whichever step of whichever fails") {
    const auto node = node_part();
    for (const auto& add : adds()) {
        fake::check_parts_settle(node, add, make_fake);
        fake::check_every_fault_in_parts_is_undone(node, add, make_fake);
    }
}

}  // namespace ambient
