// The states of tests/sidecar on Linux: by us, and by ip and nft from what they print.
#include <doctest/doctest.h>

#include "common/desired/sidecar.hpp"
#include "common/kernel/reconcile.hpp"
#include "common/plan/diff.hpp"
#include "common/plan/print.hpp"
#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/sidecar/cases.hpp"

namespace ambient::test {
namespace {

constexpr std::uint8_t kProtocol = 122;
const desired::SidecarNumbers kNumbers;
const auto kScope = desired::sidecar_scope(kNumbers, kProtocol);

// As a runtime hands it over: lo is up.
Netns pod_netns() {
    auto netns = new_netns();
    const Inside inside(netns);
    must_run("ip link set lo up");
    return netns;
}

template <class Check>
void for_each_state(Check check) {
    int count = 0;
    for (const auto& it : sidecar_cases()) {
        if (!it.has("rules.txt")) continue;
        CAPTURE(it.folder.string());
        const auto parameters = desired::sidecar_parameters(it.pod, it.defaults);
        REQUIRE_MESSAGE(parameters.has_value(), describe(parameters.error()));
        check(desired::sidecar_state(kNumbers, kProtocol, *parameters));
        ++count;
    }
    CHECK(count > 20);
}

TEST_CASE("a sidecar pod's state is made in one run; the second changes nothing") {
    for_each_state([](const model::NetnsState& wanted) {
        auto kernel = Sandbox::open_kernel(pod_netns());
        const auto first = reconcile(kernel, wanted, kScope);
        REQUIRE_MESSAGE(first.has_value(), describe(first.error()));
        CHECK_FALSE(first->empty());
        CHECK(kernel.observe(kScope).value() == wanted);
        CHECK(reconcile(kernel, wanted, kScope).value().empty());
    });
}

TEST_CASE("ip and nft make the same of a sidecar pod's printed plan") {
    for_each_state([](const model::NetnsState& wanted) {
        const auto netns = pod_netns();
        const auto lines = plan::to_string(plan::diff_without_conflict(wanted, {}, kScope).value());
        CAPTURE(lines);
        const Inside inside(netns);
        const auto outcome = run({"sh", "-e", "-c", lines});
        REQUIRE_MESSAGE(outcome.status == 0, outcome.output);
        CHECK(Sandbox::open_kernel(netns).observe(kScope).value() == wanted);
    });
}

}  // namespace
}  // namespace ambient::test
