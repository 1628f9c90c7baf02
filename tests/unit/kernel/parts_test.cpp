// Several parts: what becomes of the others when one fails.
#include "common/kernel/parts.hpp"

#include <doctest/doctest.h>

#include "tests/fake/fake_kernel.hpp"
#include "tests/fake/faulty_kernel.hpp"

namespace ambient {
namespace {

constexpr std::uint8_t kOurs = 122;
constexpr NetnsId kPod{.device = 4, .inode = 1};

model::PolicyRule rule(std::uint32_t priority) {
    return {.priority = priority, .mark = {1, 1}, .table = 1, .protocol = kOurs};
}

model::Part part(model::Where where, std::vector<model::PolicyRule> rules) {
    return {.where = where,
            .wanted = {.rules = std::move(rules)},
            .scope = {.protocol = kOurs, .rule_priorities = {1, 2, 3}}};
}

// Namespaces that are open for as long as somebody has them open.
struct Namespaces {
    fake::FakeKernel node;
    fake::FakeKernel pod;
    std::vector<std::string> told;
    bool pod_is_gone = false;
    std::optional<std::size_t> node_fails_at;

    struct Open final : Kernel {
        Open(Namespaces& all, bool of_pod)
            : to(of_pod ? all.pod : all.node),
              faulty(to),
              seen(all.told),
              name(of_pod ? "pod" : "node") {
            if (!of_pod && all.node_fails_at)
                faulty.fail_step(*all.node_fails_at, fake::FaultyKernel::fault());
            seen.push_back("open " + name);
        }
        ~Open() override { seen.push_back("close " + name); }
        Open(const Open&) = delete;
        Open& operator=(const Open&) = delete;
        Result<model::NetnsState> observe(const model::Scope& scope) override {
            return faulty.observe(scope);
        }
        std::expected<void, ApplyError> apply(const plan::Plan& plan) override {
            seen.push_back("change " + name);
            return faulty.apply(plan);
        }
        fake::FakeKernel& to;
        fake::FaultyKernel faulty;
        std::vector<std::string>& seen;
        std::string name;
    };

    OpenKernel open() {
        return [this](const model::Where& where) -> Result<std::unique_ptr<Kernel>> {
            if (where.pod && pod_is_gone)
                return std::unexpected(Error{.kind = ErrorKind::not_found, .doing = "open"});
            return std::make_unique<Open>(*this, where.pod.has_value());
        };
    }
};

const model::Where kInPod{.pod = kPod};

TEST_CASE("parts settle in order, each in its own namespace") {
    Namespaces all;
    const auto done = reconcile({part({}, {rule(1)}), part(kInPod, {rule(2)})}, all.open());
    REQUIRE(done.has_value());
    CHECK(done->size() == 2);
    CHECK(all.node.state().rules == std::vector{rule(1)});
    CHECK(all.pod.state().rules == std::vector{rule(2)});
    CHECK(all.told[0] == "open node");
    CHECK(all.told[1] == "change node");
    CHECK(all.told[2] == "open pod");
    CHECK(all.told[3] == "change pod");
}

TEST_CASE(
    "a namespace that cannot be opened undoes the parts before it, to what was there before") {
    Namespaces all;
    REQUIRE(reconcile({part({}, {rule(3)})}, all.open()).has_value());
    all.pod_is_gone = true;
    const auto outcome = reconcile({part({}, {rule(1)}), part(kInPod, {rule(2)})}, all.open());
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().kind == ErrorKind::not_found);
    CHECK(all.node.state().rules == std::vector{rule(3)});
}

TEST_CASE("a failure that cannot be undone says so") {
    Namespaces all;
    all.pod_is_gone = true;
    all.node_fails_at = 2;  // the first step of the undo
    const auto outcome = reconcile({part({}, {rule(1), rule(2)}), part(kInPod, {})}, all.open());
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().kind == ErrorKind::not_found);
    CHECK(outcome.error().kernel_text.contains("what was there before could not be restored"));
}

TEST_CASE("what was done is taken back, past one that is gone: what was there before stays") {
    Namespaces all;
    REQUIRE(reconcile({part({}, {rule(1), rule(3)})}, all.open()).has_value());
    const std::vector parts{part({}, {rule(1)}), part(kInPod, {rule(2)})};
    auto done = reconcile(parts, all.open());
    REQUIRE(done.has_value());
    REQUIRE(take_back(parts, *done, all.open()).has_value());
    CHECK(all.node.state().rules == std::vector{rule(1), rule(3)});
    CHECK(all.pod.state().rules.empty());

    done = reconcile(parts, all.open());
    all.pod_is_gone = true;
    const auto taken_back = take_back(parts, *done, all.open());
    REQUIRE_FALSE(taken_back.has_value());
    CHECK(taken_back.error().kind == ErrorKind::not_found);
    CHECK(all.node.state().rules == std::vector{rule(1), rule(3)});
}

TEST_CASE("where nothing was done nothing is taken back") {
    Namespaces all;
    const std::vector parts{part({}, {rule(1)}), part(kInPod, {rule(2)})};
    REQUIRE(reconcile(parts, all.open()).has_value());
    const auto done = reconcile(parts, all.open());
    REQUIRE(done.has_value());
    all.told.clear();
    REQUIRE(take_back(parts, *done, all.open()).has_value());
    CHECK(all.told.empty());
    CHECK(all.node.state().rules == std::vector{rule(1)});
    CHECK(all.pod.state().rules == std::vector{rule(2)});
}

}  // namespace
}  // namespace ambient
