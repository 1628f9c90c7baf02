#include <sstream>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using model::PolicyRule;

const model::Scope kScope{
    .protocol = kOurs, .strays = true, .rule_priorities = {100, 101, 102, 103}};

PolicyRule rule(Family family, std::uint32_t priority, Mark mark, std::uint32_t table) {
    return {
        .family = family, .priority = priority, .mark = mark, .table = table, .protocol = kOurs};
}

std::vector<PolicyRule> contract_rules() {
    std::vector<PolicyRule> rules;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        rules.push_back(rule(family, 101, Mark::bits(0x100), 101));
        rules.push_back(rule(family, 102, Mark::bits(0x40), 102));
        rules.push_back(rule(family, 103, Mark::bits(0x80), 100));
        rules.push_back(rule(family, 20003, {.value = 0x4d3, .mask = 0xfff}, 100));
    }
    return rules;
}

struct RuleSandbox : Sandbox {
    std::vector<PolicyRule> rules(const model::Scope& scope = kScope) {
        return observe(scope).rules;
    }
};

TEST_CASE_FIXTURE(RuleSandbox,
                  "the rules of the contract are added and read back, in both families") {
    for (const auto& wanted : contract_rules())
        apply({plan::AddRule{wanted}});
    CHECK(rules() == contract_rules());
    for (const auto* family : {"-4", "-6"}) {
        CAPTURE(family);
        const auto said = ip_json(std::string(family) + " rule show");
        CHECK(said[1]["priority"] == 101);
        CHECK(said[1]["fwmark"] == "0x100");
        CHECK(said[1]["fwmask"] == "0x100");
        CHECK(said[1]["protocol"] == "122");
        CHECK(said[3]["table"] == "100");
    }
}

TEST_CASE_FIXTURE(RuleSandbox, "every form of mark comes back as it was") {
    for (const Mark mark : {Mark{.value = 0, .mask = 0}, Mark{.value = 0, .mask = 0xff},
                            Mark{.value = 0x40}, Mark{.value = 0x4d3, .mask = 0xfff}}) {
        CAPTURE(to_string(mark));
        const auto wanted = rule(Family::ipv4, 100, mark, 100000);
        apply({plan::AddRule{wanted}});
        CHECK(rules() == std::vector{wanted});
        apply({plan::DeleteRule{wanted}});
        CHECK(rules().empty());
    }
}

TEST_CASE_FIXTURE(RuleSandbox,
                  "in scope: other makers' rules at our priorities, ours at any, no others") {
    must_run("ip rule add priority 100 lookup 7 protocol static");
    must_run("ip rule add priority 55 lookup 7 protocol static");
    must_run("ip rule add priority 56 lookup 7 protocol 122");
    const auto found = rules();
    REQUIRE(found.size() == 2);
    CHECK(found[0].priority == 56);
    CHECK(found[1].protocol == 4);
}

TEST_CASE_FIXTURE(RuleSandbox,
                  "a selector that the model does not know makes a rule go beyond it") {
    for (const std::string more :
         {"from 10.0.0.0/8", "to 10.0.0.0/8", "iif lo", "oif lo", "tos 0x10", "not fwmark 0x1",
          "uidrange 0-5", "ipproto tcp", "sport 80", "dport 80-90", "suppress_prefixlength 0",
          "suppress_ifgroup 1", "tun_id 5"}) {
        CAPTURE(more);
        must_run("ip rule add priority 103 lookup 100 " + more);
        const auto found = rules();
        REQUIRE(found.size() == 1);
        CHECK_FALSE(found[0].beyond_model.empty());
        must_run("ip rule del priority 103");
    }
    for (const std::string action : {"blackhole", "unreachable", "prohibit", "goto 32766"}) {
        CAPTURE(action);
        must_run("ip rule add priority 103 " + action);
        CHECK_FALSE(rules().at(0).beyond_model.empty());
        must_run("ip rule del priority 103");
    }
}

// Without the rules that every namespace has.
std::string shown_by_ip() {
    std::istringstream lines(must_run("ip rule show priority 103"));
    std::string text;
    for (std::string word; lines >> word;)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

TEST_CASE_FIXTURE(RuleSandbox, "what is beyond the model is kept in ip's own words") {
    for (const std::string what :
         {"from 10.0.0.0/8 to 10.1.1.1 fwmark 0x1 iif lo oif lo lookup 100",
          "not fwmark 0x1/0x3 lookup 100 suppress_prefixlength 0",
          "tos 0x10 uidrange 0-5 ipproto tcp sport 80 dport 80-90 lookup 100",
          "tun_id 5 lookup 100", "suppress_ifgroup 1 lookup 100", "from 10.0.0.1 goto 32766",
          "blackhole", "unreachable", "to 10.0.0.0/9 prohibit"}) {
        CAPTURE(what);
        must_run("ip rule add priority 103 protocol 77 " + what);
        REQUIRE(rules().size() == 1);
        CHECK(rules()[0].beyond_model == shown_by_ip());
        must_run("ip rule del priority 103");
    }
}

TEST_CASE_FIXTURE(RuleSandbox, "a rule that exists is refused, deleting twice is success") {
    const auto wanted = rule(Family::ipv6, 103, {.value = 0, .mask = 0}, 100);
    apply({plan::AddRule{wanted}});
    CHECK(refused(plan::AddRule{wanted}).kind == ErrorKind::already_exists);
    apply({plan::DeleteRule{wanted}, plan::DeleteRule{wanted}});
    CHECK(rules().empty());
}

TEST_CASE_FIXTURE(RuleSandbox, "deleting ours leaves another maker's twin") {
    must_run("ip rule add priority 103 lookup 100 protocol static");
    const auto ours = rule(Family::ipv4, 103, {.value = 0, .mask = 0}, 100);
    apply({plan::DeleteRule{ours}});
    REQUIRE(rules().size() == 1);
    CHECK(rules()[0].protocol == 4);
}

TEST_CASE_FIXTURE(RuleSandbox, "what is ours and beyond the model is deleted: 0.1.0's jump, say") {
    for (const auto* command : {"ip rule", "ip -6 rule"}) {
        must_run(std::string(command) + " add pref 100 fwmark 0x200/0x200 goto 32766 protocol 122");
        must_run(std::string(command) + " add pref 101 blackhole protocol 122");
    }
    const auto found = rules();
    REQUIRE(found.size() == 4);
    for (const auto& rule : found)
        apply({plan::DeleteRule{rule}});
    CHECK(rules().empty());
}

}  // namespace
}  // namespace ambient::test
