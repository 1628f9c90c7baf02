// The suite's part about several namespaces.
#include <array>

#include <doctest/doctest.h>

#include "common/json/state_json.hpp"
#include "common/kernel/parts.hpp"
#include "common/kernel/restorable.hpp"
#include "common/plan/print.hpp"
#include "tests/fake/faulty_kernel.hpp"
#include "tests/fake/reconcile_suite.hpp"

namespace ambient::fake {
namespace {

// A kernel that outlives its opening.
class Borrowed final : public Kernel {
  public:
    explicit Borrowed(Kernel& kernel) : kernel_(kernel) {}
    Result<model::NetnsState> observe(const model::Scope& scope) override {
        return kernel_.observe(scope);
    }
    std::expected<void, ApplyError> apply(const plan::Plan& plan) override {
        return kernel_.apply(plan);
    }

  private:
    Kernel& kernel_;
};

constexpr NetnsId kPod{.device = 4, .inode = 1};

struct Two {
    std::array<const Scenario*, 2> scenarios;
    std::array<std::unique_ptr<Kernel>, 2> kernels;
    std::array<FaultyKernel, 2> faulty;
    std::vector<model::Part> parts;
    std::array<model::NetnsState, 2> before;

    Two(const Scenario& first, const Scenario& second, const MakeKernel& make)
        : scenarios{&first, &second},
          kernels{make(first), make(second)},
          faulty{FaultyKernel(*kernels[0]), FaultyKernel(*kernels[1])},
          parts{{.wanted = first.wanted, .scope = first.scope},
                {.where = {.pod = kPod}, .wanted = second.wanted, .scope = second.scope}},
          before{observed(0), observed(1)} {}

    model::NetnsState observed(std::size_t i) {
        auto found = kernels.at(i)->observe(scenarios.at(i)->scope);
        REQUIRE_MESSAGE(found.has_value(), describe(found.error()));
        return *found;
    }
    OpenKernel open() {
        return [this](const model::Where& where) -> Result<std::unique_ptr<Kernel>> {
            return std::make_unique<Borrowed>(faulty.at(where.pod ? 1 : 0));
        };
    }
    void check_unchanged() {
        for (std::size_t i = 0; i < 2; ++i) {
            CAPTURE(i);
            const auto after = observed(i);
            CHECK_EQ(json::dump(after, 1), json::dump(restorable(before.at(i), after), 1));
        }
    }
};

void check_nothing_left(Two& two) {
    const auto plans = differences(two.parts, two.open());
    REQUIRE_MESSAGE(plans.has_value(), describe(plans.error()));
    for (const auto& left : *plans)
        CHECK_MESSAGE(left.empty(), plan::to_string(left));
}

}  // namespace

void check_parts_settle(const Scenario& first, const Scenario& second, const MakeKernel& make) {
    CAPTURE(first.name);
    CAPTURE(second.name);
    Two two(first, second, make);
    const auto planned = differences(two.parts, two.open());
    const auto applied = reconcile(two.parts, two.open());
    CHECK_EQ(applied.has_value(), planned.has_value());
    if (!applied) return two.check_unchanged();
    check_nothing_left(two);
    REQUIRE(take_back(two.parts, *applied, two.open()).has_value());
    two.check_unchanged();
}

void check_every_fault_in_parts_is_undone(const Scenario& first, const Scenario& second,
                                          const MakeKernel& make) {
    CAPTURE(first.name);
    CAPTURE(second.name);
    for (std::size_t failing = 0; failing < 2; ++failing) {
        CAPTURE(failing);
        for (std::size_t n = 0;; ++n) {
            CAPTURE(n);
            Two two(first, second, make);
            if (!differences(two.parts, two.open())) return;  // a conflict: nothing is begun
            two.faulty.at(failing).fail_step(n, FaultyKernel::fault());
            const auto outcome = reconcile(two.parts, two.open());
            if (!two.faulty.at(failing).failed()) break;
            REQUIRE_FALSE(outcome.has_value());
            CHECK_EQ(describe(outcome.error()), describe(FaultyKernel::fault()));
            two.check_unchanged();
        }
    }
}

}  // namespace ambient::fake
