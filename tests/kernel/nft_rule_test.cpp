#include <random>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/nft_sandbox.hpp"
#include "tests/unit/netlink/nft_rule_samples.hpp"

namespace ambient::test {
namespace {

using model::SetType;

// A table "t" with what rule samples may name, and their rules in chain "rules".
model::FilterTable table_with(std::vector<model::FilterRule> rules) {
    return {.id = kTable,
            .sets = {{.name = "endpoints4", .type = SetType::ipv4_endpoint},
                     {.name = "endpoints6", .type = SetType::ipv6_endpoint},
                     {.name = "links", .type = SetType::interface},
                     {.name = "pods4", .type = SetType::ipv4_address},
                     {.name = "pods6", .type = SetType::ipv6_address},
                     {.name = "ports", .type = SetType::port},
                     {.name = "ranges4", .type = SetType::ipv4_prefix}},
            .chains = {{.name = "other"}, {.name = "rules", .rules = std::move(rules)}}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find('\n', start), text.size());
        lines.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return lines;
}

// The rules of a chain as nft(8) lists them.
std::vector<std::string> listed_rules(const std::string& table) {
    std::vector<std::string> rules;
    for (const auto& line : lines_of(nft_list("chain inet " + table + " rules"))) {
        if (line.starts_with("\t\t")) rules.push_back(line.substr(2));
    }
    return rules;
}

// The rules of a chain as byte code, one text a rule, without the handles.
std::vector<std::string> byte_code(const std::string& table) {
    std::vector<std::string> rules;
    for (const auto& line :
         lines_of(must_run("nft --debug=netlink list chain inet " + table + " rules"))) {
        if (line.starts_with("inet " + table + " rules ")) rules.emplace_back();
        if (line.starts_with("  [ ") && !rules.empty()) rules.back() += line + "\n";
    }
    return rules;
}

// The samples as a script for nft(8).
std::string script(const std::string& table) {
    auto text = "table inet " + table +
                " { set pods4 { type ipv4_addr; }; set pods6 { type ipv6_addr; }; set links { type "
                "ifname; }; set ports { type inet_service; }; set endpoints4 { type ipv4_addr . "
                "inet_service; }; set endpoints6 { type ipv6_addr . inet_service; }; set ranges4 { "
                "type ipv4_addr; flags interval; }; chain other { }; "
                "chain rules {\n";
    for (const auto& sample : rule_samples())
        text += sample.asked + "\n";
    return text + "}\n}";
}

std::vector<model::FilterRule> sample_rules() {
    std::vector<model::FilterRule> rules;
    for (const auto& sample : rule_samples())
        rules.push_back(sample.rule);
    return rules;
}

TEST_CASE_FIXTURE(NftSandbox,
                  "each rule is read back as it was written, and listed by nft in its own words") {
    const auto wanted = table_with(sample_rules());
    apply(creation_of(wanted));
    const auto found = observe().chains.at(1).rules;
    const auto listed = listed_rules("t");
    const auto samples = rule_samples();
    REQUIRE(found.size() == samples.size());
    REQUIRE(listed.size() == samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
        INFO(samples[i].line);
        CHECK(found[i] == samples[i].rule);
        CHECK(listed[i] == samples[i].line);
    }
    CHECK(observe() == wanted);
}

TEST_CASE_FIXTURE(
    NftSandbox,
    "what nft writes for a line is read as the same rule, and is the same byte code as ours") {
    apply(creation_of(table_with(sample_rules())));
    nft(script("n"));
    const auto theirs = observe({.name = "n"}).chains.at(1).rules;
    const auto code = byte_code("t");
    const auto their_code = byte_code("n");
    const auto samples = rule_samples();
    REQUIRE(theirs.size() == samples.size());
    REQUIRE(code.size() == samples.size());
    REQUIRE(their_code.size() == samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
        INFO(samples[i].line);
        CHECK(theirs[i] == samples[i].rule);
        CHECK(code[i] == their_code[i]);
    }
}

TEST_CASE_FIXTURE(NftSandbox, "any rule goes through the kernel unchanged") {
    std::mt19937 random(7);
    std::vector<model::FilterRule> rules;
    for (int i = 0; i < 500; ++i)
        rules.push_back(random_rule(random));
    const auto wanted = table_with(std::move(rules));
    apply(creation_of(wanted));
    const auto found = observe();
    for (std::size_t i = 0; i < 500; ++i) {
        INFO("rule " << i);
        REQUIRE(found.chains.at(1).rules.at(i) == wanted.chains[1].rules[i]);
    }
    CHECK(found == wanted);
}

TEST_CASE_FIXTURE(NftSandbox, "a table of bridges is one more value, beside one of its name") {
    using namespace model;
    const TableId bridges{.family = TableFamily::bridge, .name = "t"};
    const Prefix pods = Prefix::parse("10.244.1.0/24").value();
    const FilterTable wanted{
        .id = bridges,
        .sets = {{.name = "pods4",
                  .type = model::SetType::ipv4_address,
                  .elements = {{pods.address(), "a"}}}},
        .chains = {
            {.name = "prerouting",
             .hook = ChainHook{.hook = Hook::prerouting, .priority = -300},
             .rules = {{{InInterface{"veth1"}, IsFamily{Family::ipv6}, Protocol{.number = kTcp}},
                        {SetMark{Mark::bits(0x800)}}},
                       {{Address{Direction::source, pods}, InSet{.set = "pods4"}},
                        {Counter{}, Accept{}}}}}}};
    apply(creation_of(wanted));
    apply(creation_of({.id = kTable}));
    CHECK(observe(bridges) == wanted);
    CHECK(observe() == FilterTable{.id = kTable});
    CHECK(nft_list("table bridge t") ==
          "table bridge t {\n"
          "\tset pods4 {\n"
          "\t\ttype ipv4_addr\n"
          "\t\telements = { 10.244.1.0 comment \"a\" }\n"
          "\t}\n\n"
          "\tchain prerouting {\n"
          "\t\ttype filter hook prerouting priority dstnat; policy accept;\n"
          "\t\tiifname \"veth1\" meta protocol ip6 meta l4proto tcp meta mark set meta mark | "
          "0x00000800\n"
          "\t\tip saddr 10.244.1.0/24 ip saddr @pods4 counter accept\n"
          "\t}\n"
          "}\n");
    nft("delete table bridge t; table bridge t { set pods4 { type ipv4_addr; }; chain c { ip saddr "
        "@pods4 accept; }; }");
    CHECK(observe(bridges).chains.at(0).rules ==
          std::vector<FilterRule>{{{InSet{.set = "pods4"}}, {Accept{}}}});
    apply({plan::DeleteTable{bridges}});
    CHECK(observe() == FilterTable{.id = kTable});
}

TEST_CASE_FIXTURE(
    NftSandbox,
    "a rule with more than the model can say is beyond it, and its neighbours are not") {
    const std::vector<std::string> lines{
        "limit rate 10/second",
        "tcp dport { 80, 443 }",
        "ip saddr { 10.0.0.1, 10.0.0.2 }",
        "tcp dport vmap { 80 : accept }",
        "meta mark set numgen inc mod 2",
        "meta mark set jhash ip saddr mod 16",
        "quota 1 mbytes",
        "ct original ip daddr 10.0.0.1",
        "ct count 10",
        "ct state & established != established",
        "meta mark > 7",
        "meta mark | 1 == 3",
        "ip ttl 1",
        "ip protocol tcp",
        "tcp flags syn",
        "fib daddr type local",
        "socket wildcard 1",
        "iifname \"eth*\"",
        "iif lo",
        "meta pkttype host",
        "meta priority set 1",
        "ip dscp set cs1",
        "notrack",
        "log group 2",
        "log level debug",
        "log prefix \"p\" flags all",
        "reject",
        "goto other",
        "jump { counter; }",
        "continue",
        "counter accept comment \"fine\"",
        "masquerade",
        "meta l4proto tcp redirect",
        "meta l4proto tcp redirect to :80-90",
        "meta l4proto tcp redirect to :80 random",
        "meta l4proto tcp dnat ip to 10.0.0.1-10.0.0.9",
        "meta l4proto tcp dnat ip to 10.0.0.1:80-90",
        "meta l4proto tcp dnat ip to 10.0.0.1 persistent",
        "meta l4proto tcp dnat ip to ip saddr",
        "meta l4proto tcp dnat to :80",
        "meta l4proto tcp tproxy to :80",
        "meta l4proto tcp tproxy ip to 127.0.0.1",
        "counter meta nfproto ipv4",
    };
    // A rule of ours after each, which must not suffer from it.
    std::string script = "table inet t { chain other { }; chain rules {\n";
    for (const auto& line : lines)
        script += line + "\naccept\n";
    nft(script + "}\n}");
    const auto rules = observe().chains.at(1).rules;
    REQUIRE(rules.size() == 2 * lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        INFO(lines[i]);
        // A comment changes nothing that a rule does.
        CHECK(rules[2 * i].beyond_model == !lines[i].contains("comment"));
        CHECK(rules[2 * i + 1] == model::FilterRule{{}, {model::Accept{}}});
    }
}

}  // namespace
}  // namespace ambient::test
