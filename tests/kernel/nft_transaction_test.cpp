#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/nft_sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using namespace plan;
using model::ChainHook;
using model::ChainType;
using model::FilterRule;
using model::Hook;

const FilterRule kDrop{{}, {model::Drop{}}};
const FilterRule kJump{{}, {model::Jump{"second"}}};
const ChainHook kPrerouting{ChainType::filter, Hook::prerouting, -150};

// Two chains of which one jumps to the other, and a set.
model::FilterTable example() {
    return {.id = kTable,
            .sets = {{"pods4", model::SetType::ipv4_address, {{ip("10.0.0.1"), "a"}}}},
            .chains = {{"first", kPrerouting, {kJump}}, {"second", {}, {kDrop}}}};
}

TEST_CASE_FIXTURE(NftSandbox,
                  "every kind of hook, and its priority, is read back and known to nft") {
    const model::FilterTable wanted{
        .id = kTable,
        .chains = {{"a", ChainHook{ChainType::filter, Hook::prerouting, -150}},
                   {"b", ChainHook{ChainType::nat, Hook::prerouting, -110}},
                   {"c", ChainHook{ChainType::nat, Hook::postrouting, 90}},
                   {"d", ChainHook{ChainType::route, Hook::output, -90}},
                   {"e", ChainHook{ChainType::filter, Hook::input, 0}},
                   {"f", ChainHook{ChainType::filter, Hook::forward, 2147483647}},
                   {"g", ChainHook{ChainType::filter, Hook::output, -2147483647 - 1}},
                   {"h"}}};
    apply(creation_of(wanted));
    CHECK(observe() == wanted);
    const auto listed = nft_list("table inet t");
    CHECK(listed.contains("type filter hook prerouting priority mangle; policy accept;"));
    CHECK(listed.contains("type nat hook prerouting priority dstnat - 10; policy accept;"));
    CHECK(listed.contains("type nat hook postrouting priority srcnat - 10; policy accept;"));
    CHECK(listed.contains("type route hook output priority -90; policy accept;"));
}

TEST_CASE_FIXTURE(NftSandbox,
                  "replacing a chain's rules replaces all of them, with the rest left alone") {
    apply(creation_of(example()));
    apply({ReplaceRules{kTable, "second", {{{}, {model::Counter{}}}, {{}, {model::Accept{}}}}}});
    auto wanted = example();
    wanted.chains[1].rules = {{{}, {model::Counter{}}}, {{}, {model::Accept{}}}};
    CHECK(observe() == wanted);
    apply({ReplaceRules{kTable, "second", {}}});
    wanted.chains[1].rules.clear();
    CHECK(observe() == wanted);
}

TEST_CASE_FIXTURE(NftSandbox, "a table is taken down and built anew in one transaction") {
    apply(creation_of(example()));
    auto wanted = example();
    wanted.sets[0] = {"pods4", model::SetType::ipv6_address, {}};
    wanted.chains[0].hook->priority = -149;
    Plan steps{DeleteTable{kTable}};
    std::ranges::copy(creation_of(wanted), std::back_inserter(steps));
    apply(steps);
    CHECK(observe() == wanted);
}

TEST_CASE_FIXTURE(NftSandbox, "objects are deleted in any order that leaves no name dangling") {
    apply(creation_of(example()));
    apply({ReplaceRules{kTable, "first", {}}, DeleteChain{kTable, "second"},
           DeleteSet{kTable, "pods4"}});
    CHECK(observe() == model::FilterTable{.id = kTable, .chains = {{"first", kPrerouting}}});
    apply({DeleteTable{kTable}});
    CHECK(tables.observe_table(kTable).value() == std::nullopt);
}

struct Refused {
    Step step;
    ErrorKind kind;
    std::string object;
};

TEST_CASE_FIXTURE(NftSandbox,
                  "a step that the kernel refuses undoes the whole transaction and is named") {
    apply(creation_of(example()));
    const std::vector<Refused> cases{
        {CreateTable{kTable}, ErrorKind::already_exists, "create table inet t"},
        {CreateSet{kTable, "pods4", model::SetType::ipv4_address}, ErrorKind::already_exists,
         "create set pods4 of table inet t"},
        {CreateChain{kTable, "second", {}}, ErrorKind::already_exists,
         "create chain second of table inet t"},
        {DeleteTable{{.name = "none"}}, ErrorKind::not_found, "delete table inet none"},
        {DeleteSet{kTable, "none"}, ErrorKind::not_found, "delete set none of table inet t"},
        {DeleteChain{kTable, "none"}, ErrorKind::not_found, "delete chain none of table inet t"},
        {DeleteChain{kTable, "second"}, ErrorKind::kernel, "delete chain second of table inet t"},
        {AddElement{kTable, "none", {ip("10.0.0.1")}}, ErrorKind::not_found,
         "add element 10.0.0.1 to set none of table inet t"},
        {ReplaceRules{kTable, "none", {}}, ErrorKind::not_found,
         "replace rules of chain none of table inet t"},
        {ReplaceRules{kTable, "second", {kDrop, {{}, {model::Jump{"none"}}}}}, ErrorKind::not_found,
         "replace rules of chain second of table inet t, rule 2"},
        {ReplaceRules{kTable,
                      "second",
                      {{{model::InSet{model::Direction::source, Family::ipv4, "none"}}, {}}}},
         ErrorKind::not_found, "replace rules of chain second of table inet t, rule 1"},
        // Endless: the second jumps back to itself.
        {ReplaceRules{kTable, "second", {kJump}}, ErrorKind::kernel,
         "replace rules of chain second of table inet t, rule 1"},
        {CreateLink{}, ErrorKind::internal, "a step that is none of the packet filter"},
    };
    const auto before = must_run("nft list ruleset");
    for (const auto& [step, kind, object] : cases) {
        INFO(object);
        // Good steps around it: none of them may be seen.
        const plan::Plan steps{AddElement{kTable, "pods4", {ip("10.0.0.2"), ""}},
                               CreateChain{kTable, "third", {}}, step,
                               CreateChain{kTable, "fourth", {}}};
        const auto outcome = tables.apply(steps);
        REQUIRE(!outcome);
        CHECK(outcome.error().kind == kind);
        CHECK(outcome.error().object == object);
        CHECK(observe() == example());
    }
    CHECK(must_run("nft list ruleset") == before);
}

TEST_CASE_FIXTURE(NftSandbox, "of several refusals the first is told") {
    const auto error =
        refused({CreateTable{kTable}, DeleteSet{kTable, "a"}, DeleteSet{kTable, "b"}});
    CHECK(error.object == "delete set a of table inet t");
    CHECK(error.errno_value == ENOENT);
}

TEST_CASE_FIXTURE(NftSandbox, "of thousands of refusals too") {
    const FilterRule bad{{}, {model::Jump{"none"}}};
    apply(creation_of(example()));
    const auto error =
        refused({ReplaceRules{kTable, "second", std::vector<FilterRule>(5000, bad)}});
    CHECK(error.object == "replace rules of chain second of table inet t, rule 1");
    CHECK(error.kind == ErrorKind::not_found);
}

TEST_CASE_FIXTURE(NftSandbox, "an empty transaction is none") { apply({}); }

TEST_CASE_FIXTURE(NftSandbox, "a socket serves its namespace wherever its thread is") {
    const auto elsewhere = new_netns();
    const Inside there(elsewhere);
    apply(creation_of(example()));
    CHECK(must_run("nft list ruleset").empty());
    CHECK(observe() == example());
}

}  // namespace
}  // namespace ambient::test
