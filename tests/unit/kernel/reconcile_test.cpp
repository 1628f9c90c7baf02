#include "common/kernel/reconcile.hpp"

#include <functional>

#include <doctest/doctest.h>

#include "common/plan/print.hpp"
#include "tests/fake/fake_kernel.hpp"

namespace ambient {
namespace {

using model::NetnsState;
using model::Scope;

constexpr std::uint8_t kOurs = 122;

const Scope kScope = {.protocol = kOurs,
                      .links = {"istioin"},
                      .routes = {{.table = 100}},
                      .rule_priorities = {100},
                      .sysctls = {}};

model::PolicyRule rule(std::uint32_t table, std::uint8_t protocol = kOurs) {
    return {.priority = 100, .table = table, .protocol = protocol};
}

NetnsState rules(std::vector<model::PolicyRule> list) {
    NetnsState state;
    state.rules = std::move(list);
    sort(state);
    return state;
}

// A fake whose calls a test can look into, and answer instead.
class Watched final : public Kernel {
  public:
    explicit Watched(NetnsState state) : fake(std::move(state)) {}

    Result<NetnsState> observe(const Scope& scope) override {
        ++observations;
        if (before_observation) before_observation();
        if (refused_observations > 0) {
            --refused_observations;
            return std::unexpected(Error{.kind = ErrorKind::interrupted, .doing = "dump rules"});
        }
        return fake.observe(scope);
    }
    std::expected<void, ApplyError> apply(const plan::Plan& plan) override {
        ++applies;
        if (instead_of_apply) return instead_of_apply(plan);
        return fake.apply(plan);
    }

    fake::FakeKernel fake;
    int observations = 0;
    int applies = 0;
    int refused_observations = 0;
    std::function<void()> before_observation;
    std::function<std::expected<void, ApplyError>(const plan::Plan&)> instead_of_apply;
};

TEST_CASE("reconcile returns the plan that it applied") {
    Watched kernel({});
    const auto applied = reconcile(kernel, rules({rule(100)}), kScope);
    REQUIRE(applied.has_value());
    CHECK_EQ(plan::to_string(*applied), "ip rule add pref 100 lookup 100 protocol 122\n");
    CHECK_EQ(kernel.fake.state(), rules({rule(100)}));
}

TEST_CASE("nothing to do costs one observation") {
    Watched kernel(rules({rule(100)}));
    CHECK(reconcile(kernel, rules({rule(100)}), kScope)->empty());
    CHECK_EQ(kernel.observations, 1);
    CHECK_EQ(kernel.applies, 0);
}

TEST_CASE("what somebody else verifies is not looked at again") {
    Watched kernel({});
    const auto applied = reconcile(kernel, rules({rule(100)}), kScope, Verified::elsewhere);
    REQUIRE(applied.has_value());
    CHECK_EQ(kernel.fake.state(), rules({rule(100)}));
    CHECK_EQ(kernel.observations, 1);
}

TEST_CASE("a conflict is reported before any write") {
    Watched kernel(rules({rule(7, 3)}));
    const auto outcome = reconcile(kernel, rules({rule(100)}), kScope);
    REQUIRE_FALSE(outcome.has_value());
    CHECK_EQ(outcome.error().kind, ErrorKind::conflict);
    CHECK_EQ(kernel.applies, 0);
}

TEST_CASE("an interrupted observation is made again, three times in all") {
    Watched kernel({});
    kernel.refused_observations = 2;
    CHECK(reconcile(kernel, rules({rule(100)}), kScope).has_value());

    kernel.refused_observations = 3;
    const auto outcome = reconcile(kernel, {}, kScope);
    REQUIRE_FALSE(outcome.has_value());
    CHECK_EQ(outcome.error().kind, ErrorKind::interrupted);
}

TEST_CASE("somebody who always undoes our work ends in an error, and in what was before") {
    Watched kernel({});
    kernel.before_observation = [&] { (void)kernel.fake.apply({plan::DeleteRule{rule(100)}}); };
    const auto outcome = reconcile(kernel, rules({rule(100)}), kScope);
    REQUIRE_FALSE(outcome.has_value());
    CHECK_EQ(outcome.error().kind, ErrorKind::interrupted);
    CHECK_EQ(kernel.applies, 3);
    CHECK_EQ(kernel.fake.state(), NetnsState{});
}

TEST_CASE("a race that is lost again and again ends in the kernel's own error") {
    Watched kernel({});
    const Error lost{.kind = ErrorKind::not_found, .doing = "add rule", .errno_value = 2};
    kernel.instead_of_apply = [&](const plan::Plan&) {
        return std::unexpected(ApplyError{0, lost});
    };
    const auto outcome = reconcile(kernel, rules({rule(100)}), kScope);
    REQUIRE_FALSE(outcome.has_value());
    CHECK_EQ(outcome.error(), lost);
    CHECK_EQ(kernel.applies, 3);
}

TEST_CASE("an undo that fails too says so after the cause") {
    Watched kernel(rules({rule(7)}));
    kernel.instead_of_apply = [&](const plan::Plan& plan) -> std::expected<void, ApplyError> {
        if (kernel.applies > 1) return std::unexpected(ApplyError{0, errno_error(1, "undo")});
        (void)kernel.fake.apply({plan.front()});
        return std::unexpected(ApplyError{1, errno_error(12, "add rule")});
    };
    const auto outcome = reconcile(kernel, rules({rule(100)}), kScope);
    REQUIRE_FALSE(outcome.has_value());
    CHECK_EQ(describe(outcome.error()),
             "add rule: Cannot allocate memory (what was there before could not be restored: "
             "undo: Operation not permitted)");
}

TEST_CASE("the kernel's words about the cause stay when the undo fails") {
    Watched kernel(rules({rule(7)}));
    auto cause = errno_error(12, "add rule");
    cause.kernel_text = "no room";
    kernel.instead_of_apply = [&](const plan::Plan& plan) -> std::expected<void, ApplyError> {
        if (kernel.applies > 1) return std::unexpected(ApplyError{0, errno_error(1, "undo")});
        (void)kernel.fake.apply({plan.front()});
        return std::unexpected(ApplyError{1, cause});
    };
    const auto outcome = reconcile(kernel, rules({rule(100)}), kScope);
    CHECK_EQ(outcome.error().kernel_text,
             "no room; what was there before could not be restored: undo: Operation not permitted");
}

}  // namespace
}  // namespace ambient
