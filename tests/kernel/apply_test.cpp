// Plans of several kinds of step: how far an apply came, and what is one transaction.
#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using model::PolicyRule;

PolicyRule rule(std::uint32_t priority) {
    return {.priority = priority, .mark = Mark::bits(0x100), .table = 101, .protocol = kOurs};
}

const model::TableId kAmbient{.name = "ambient"};
const model::Scope kScope{.protocol = kOurs, .strays = true, .filter = {{.table = kAmbient}}};
const plan::CreateTable kTable{.table = kAmbient};
const plan::CreateSet kSet{.table = kAmbient, .set = "pods4", .type = model::SetType::ipv4_address};
const plan::AddElement kElement{
    .table = kAmbient, .set = "pods4", .element = {.key = ip("10.244.1.11")}};
const plan::AddElement kLostElement{
    .table = kAmbient, .set = "nothere", .element = {.key = ip("10.244.1.11")}};

TEST_CASE_FIXTURE(Sandbox,
                  "the steps before the one that failed took effect, those after it did not") {
    const auto outcome = kernel.apply({plan::AddRule{rule(1)}, plan::AddRule{rule(2)},
                                       plan::AddRule{rule(2)}, plan::AddRule{rule(3)}});
    REQUIRE(!outcome);
    CHECK(outcome.error().done == 2);
    CHECK(outcome.error().error.kind == ErrorKind::already_exists);
    CHECK(observe(kScope).rules == std::vector{rule(1), rule(2)});
}

TEST_CASE_FIXTURE(
    Sandbox,
    "neighbouring packet-filter steps are one transaction, done as a whole or not at all") {
    const auto outcome =
        kernel.apply({plan::AddRule{rule(1)}, kTable, kSet, kElement, kLostElement, kElement});
    REQUIRE(!outcome);
    CHECK(outcome.error().done == 1);
    CHECK(outcome.error().error.netns == kernel.netns().name());
    CHECK(observe(kScope).tables.empty());
}

TEST_CASE_FIXTURE(Sandbox, "a step between packet-filter steps parts them into two transactions") {
    const auto outcome =
        kernel.apply({kTable, kSet, plan::AddRule{rule(1)}, kElement, kLostElement});
    REQUIRE(!outcome);
    CHECK(outcome.error().done == 3);
    const auto state = observe(kScope);
    CHECK(state.rules.size() == 1);
    REQUIRE(state.tables.size() == 1);
    CHECK(state.tables[0].sets.at(0).elements.empty());
}

TEST_CASE_FIXTURE(Sandbox, "an empty plan changes nothing") {
    apply({});
    CHECK(observe(kScope) == model::NetnsState{});
}

TEST_CASE_FIXTURE(Sandbox, "a link that is made again within one plan is known by its new index") {
    const model::Link link{.name = "va", .kind = model::Veth{.peer = "vb"}, .up = true};
    const model::InterfaceAddress address{
        .link = "va", .address = ip("192.168.126.1"), .prefix_length = 30};
    apply({plan::CreateLink{link}, plan::AddAddress{address}, plan::DeleteLink{link},
           plan::CreateLink{link}, plan::AddAddress{address}});
    CHECK(observe({.links = {"va"}}).addresses == std::vector{address});
}

TEST_CASE_FIXTURE(Sandbox, "a kernel works on its namespace from wherever it is called") {
    const auto other = new_netns();
    auto far = open_kernel(other);
    REQUIRE(far.apply({plan::AddRule{rule(1)}, kTable}));
    CHECK(observe(kScope) == model::NetnsState{});
    CHECK(far.observe(kScope).value().rules == std::vector{rule(1)});
    CHECK(far.netns().id() == other.id());
    const Inside inside_other(other);
    CHECK(must_run("nft list tables") == "table inet ambient\n");
}

}  // namespace
}  // namespace ambient::test
