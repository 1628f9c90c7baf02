// Whole tables, as they were measured to work: nft loads and lists them, we read and rebuild them.
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "common/plan/diff.hpp"
#include "tests/kernel/nft_sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using namespace model;

const model::TableId kAmbient{.name = "ambient"};

std::string ruleset(const std::string& name) {
    std::ifstream file("tests/kernel/rulesets/" + name);
    REQUIRE_MESSAGE(file, name);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Rebuilds a table that nft made from `text`, in another namespace; both must be the same to nft
// and to us.
void check_rebuilt(NftSandbox& box, const std::string& text) {
    nft(text);
    REQUIRE(nft_list("table inet ambient") == text);
    const auto theirs = box.observe(kAmbient);
    CHECK(!theirs.beyond_model);
    for (const auto& chain : theirs.chains) {
        for (std::size_t i = 0; i < chain.rules.size(); ++i) {
            INFO(chain.name << ", rule " << i + 1);
            CHECK(!chain.rules[i].beyond_model);
        }
    }

    NftSandbox other;
    other.apply(creation_of(theirs));
    CHECK(other.observe(kAmbient) == theirs);
    // Listed in the order of creation, which is ours: by name.
    CHECK(nft_list("table inet ambient").size() == text.size());
    for (const auto& chain : theirs.chains) {
        INFO(chain.name);
        const auto listed = nft_list("chain inet ambient " + chain.name);
        const auto begin = listed.find("\tchain");
        CHECK(text.contains(listed.substr(begin, listed.rfind('}') - begin)));
    }
}

TEST_CASE_FIXTURE(NftSandbox, "the node's table") { check_rebuilt(*this, ruleset("node.nft")); }

TEST_CASE_FIXTURE(NftSandbox, "the ztunnel's table") {
    check_rebuilt(*this, ruleset("ztunnel.nft"));
}

// Some rules said by hand: the others could all be misread in the same way.
TEST_CASE_FIXTURE(NftSandbox, "rules of the node's table mean what they say") {
    nft(ruleset("node.nft"));
    const auto table = observe(kAmbient);
    REQUIRE(table.chains.size() == 4);
    const auto& prerouting = table.chains[3];
    CHECK(prerouting.name == "prerouting");
    CHECK(prerouting.hook == ChainHook{ChainType::filter, Hook::prerouting, -150});
    const Prefix ztunnel = prefix("10.244.1.10");
    CHECK(prerouting.rules.at(2) ==
          FilterRule{{Protocol{kUdp}, Port{Direction::destination, 6081, 6081}}, {Return{}}});
    CHECK(prerouting.rules.at(6) ==
          FilterRule{
              {InInterface{"veth-zt"}, Address{Direction::source, ztunnel, true}},
              {Counter{}, SetMark{Mark::bits(0x210)}, SetCtMark{Mark::bits(0x210)}, Return{}}});
    CHECK(prerouting.rules.at(9) ==
          FilterRule{{CtStateIn{kCtEstablished | kCtRelated}, CtMarkIs{{0, 0x230}}},
                     {Counter{}, SetMark{Mark::bits(0x200)}, Return{}}});
    CHECK(prerouting.rules.at(10) == FilterRule{{InSet{Direction::source, Family::ipv4, "pods4"}},
                                                {Counter{}, SetMark{Mark::bits(0x100)}}});
    CHECK(table.sets.at(1) == FilterSet{"pods6",
                                        model::SetType::ipv6_address,
                                        {{ip("fd00:10:244:1::11")}, {ip("fd00:10:244:1::12")}}});
}

TEST_CASE_FIXTURE(NftSandbox,
                  "nothing is to do on a table that nft made as wanted, and drift in it is found") {
    nft(ruleset("node.nft"));
    const Scope scope{.filter = {{.table = {.name = "ambient"}}}};
    const NetnsState wanted{.tables = {observe(kAmbient)}};
    const auto plan_of = [&] {
        return plan::diff_without_conflict(wanted, {.tables = {observe(kAmbient)}}, scope).value();
    };
    CHECK(plan_of().empty());
    for (const std::string drift : {
             "flush chain inet ambient output",
             "add rule inet ambient output limit rate 1/second accept",
             "insert rule inet ambient prerouting accept",
             "delete element inet ambient pods4 { 10.244.1.11 }",
             "add element inet ambient pods6 { fd00::7 }",
             "add chain inet ambient more",
             "add set inet ambient more { type ipv4_addr; }",
             "add chain inet ambient output { policy drop; }",
             "add table inet ambient { flags dormant; }",
         }) {
        INFO(drift);
        nft(drift);
        const auto steps = plan_of();
        CHECK(!steps.empty());
        apply(steps);
        CHECK(plan_of().empty());
    }
}

}  // namespace
}  // namespace ambient::test
