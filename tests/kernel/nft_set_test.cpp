#include <algorithm>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/nft_sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using model::FilterSet;
using model::SetElement;
using model::SetKey;
using model::SetType;
using plan::AddElement;
using plan::DeleteElement;

const FilterSet kEmpty4{.name = "pods4", .type = SetType::ipv4_address};
const FilterSet kEmpty6{.name = "pods6", .type = SetType::ipv6_address};

model::FilterTable table_of(std::vector<FilterSet> sets) {
    return {.id = kTable, .sets = std::move(sets)};
}

// 10.0.0.0 and the addresses after it, or fd00:: and those after it.
IpAddress nth(Family family, std::uint32_t n) {
    std::array<std::uint8_t, 16> bytes{
        static_cast<std::uint8_t>(family == Family::ipv4 ? 10 : 0xfd)};
    for (std::size_t i = 0; i < 3; ++i) {
        bytes[address_bytes(family) - 1 - i] = static_cast<std::uint8_t>(n >> 8 * i);
    }
    return IpAddress::from_bytes(std::span(bytes).first(address_bytes(family))).value();
}

std::vector<SetElement> many(Family family, std::uint32_t count, const std::string& comment) {
    std::vector<SetElement> elements;
    for (std::uint32_t i = 0; i < count; ++i)
        elements.push_back({nth(family, i), comment});
    return elements;
}

TEST_CASE_FIXTURE(NftSandbox, "elements keep their comments, and nft shows them") {
    const auto wanted = table_of(
        {{"pods4", SetType::ipv4_address, {{ip("10.0.0.1"), "pod a/eth0"}, {ip("10.0.0.2")}}},
         {"pods6",
          SetType::ipv6_address,
          {{ip("fd00::1"), std::string(127, 'c')}, {ip("fd00::2"), "x"}}}});
    apply(creation_of(wanted));
    CHECK(observe() == wanted);
    CHECK(nft_list("set inet t pods4")
              .contains(R"(elements = { 10.0.0.1 comment "pod a/eth0", 10.0.0.2 })"));
    CHECK(
        nft_list("set inet t pods6").contains("fd00::1 comment \"" + std::string(127, 'c') + "\""));
}

TEST_CASE_FIXTURE(NftSandbox, "elements that nft adds are read with their comments") {
    nft(R"(table inet t { set pods4 { type ipv4_addr; elements = { 10.0.0.2, 10.0.0.1 comment "a" }; }; })");
    CHECK(observe() ==
          table_of({{"pods4", SetType::ipv4_address, {{ip("10.0.0.1"), "a"}, {ip("10.0.0.2")}}}}));
}

TEST_CASE_FIXTURE(
    NftSandbox, "a comment that is too long, or holds a NUL, is refused before anything is sent") {
    apply(creation_of(table_of({kEmpty4})));
    for (const auto& comment : {std::string(128, 'c'), std::string("a\0b", 3)}) {
        const auto error = refused({AddElement{kTable, "pods4", {ip("10.0.0.1"), comment}}});
        CHECK(error.kind == ErrorKind::invalid_input);
        CHECK(error.object == "add element 10.0.0.1 to set pods4 of table inet t");
    }
}

TEST_CASE_FIXTURE(NftSandbox, "elements come and go without touching the chains") {
    auto wanted = table_of(
        {{"pods4", SetType::ipv4_address, {{ip("10.0.0.1"), "a"}, {ip("10.0.0.2"), "b"}}}});
    wanted.chains = {{.name = "c",
                      .rules = {{{model::InSet{model::Direction::source, Family::ipv4, "pods4"}},
                                 {model::Drop{}}}}}};
    apply(creation_of(wanted));
    const auto chain = must_run("nft --handle list chain inet t c");
    apply({AddElement{kTable, "pods4", {ip("10.0.0.3"), "c"}},
           DeleteElement{kTable, "pods4", {ip("10.0.0.1"), "a"}}});
    wanted.sets[0].elements = {{ip("10.0.0.2"), "b"}, {ip("10.0.0.3"), "c"}};
    CHECK(observe() == wanted);
    CHECK(must_run("nft --handle list chain inet t c") == chain);
}

TEST_CASE_FIXTURE(
    NftSandbox,
    "adding an element again is success and leaves its comment; delete and add changes it") {
    const auto first = table_of({{"pods4", SetType::ipv4_address, {{ip("10.0.0.1"), "a"}}}});
    apply(creation_of(first));
    apply({AddElement{kTable, "pods4", {ip("10.0.0.1"), "b"}}});
    CHECK(observe() == first);
    apply({DeleteElement{kTable, "pods4", {ip("10.0.0.1"), "a"}},
           AddElement{kTable, "pods4", {ip("10.0.0.1"), "b"}}});
    CHECK(observe() == table_of({{"pods4", SetType::ipv4_address, {{ip("10.0.0.1"), "b"}}}}));
}

TEST_CASE_FIXTURE(NftSandbox, "deleting an element that is gone fails as not_found") {
    apply(creation_of(table_of({{"pods4", SetType::ipv4_address, {{ip("10.0.0.1")}}}})));
    const auto error = refused({DeleteElement{kTable, "pods4", {ip("10.0.0.1")}},
                                DeleteElement{kTable, "pods4", {ip("10.0.0.2")}}});
    CHECK(error.kind == ErrorKind::not_found);
    CHECK(
        error.object ==
        "delete element 10.0.0.1 of set pods4 of table inet t, or one of the 1 elements after it");
}

// Of each type, as ours and as nft's.
const std::vector<FilterSet> kOfEachType{
    {"endpoints4",
     SetType::ipv4_endpoint,
     {{model::Endpoint{ip("10.0.0.1"), 80}, "probe"}, {model::Endpoint{ip("10.0.0.1"), 443}}}},
    {"endpoints6", SetType::ipv6_endpoint, {{model::Endpoint{ip("fd00::1"), 8081}}}},
    {"links",
     SetType::interface,
     {{model::InterfaceName{"eth0"}, "up"}, {model::InterfaceName{"lo"}}}},
    {"ports", SetType::port, {{model::PortNumber{80}, "web"}, {model::PortNumber{65535}}}},
    {"ranges4",
     SetType::ipv4_prefix,
     {{prefix("10.0.0.0/8"), "pods"},
      {prefix("192.168.1.0/24")},
      {prefix("192.168.3.1")},
      {prefix("224.0.0.0/3"), "to the end"}}},
    {"ranges6", SetType::ipv6_prefix, {{prefix("::/1")}, {prefix("fd00::/8"), "ula"}}},
};

constexpr auto kOfEachTypeByNft = R"(table inet t {
    set endpoints4 { type ipv4_addr . inet_service
        elements = { 10.0.0.1 . 80 comment "probe", 10.0.0.1 . 443 }; }
    set endpoints6 { type ipv6_addr . inet_service; elements = { fd00::1 . 8081 }; }
    set links { type ifname; elements = { "eth0" comment "up", "lo" }; }
    set ports { type inet_service; elements = { 80 comment "web", 65535 }; }
    set ranges4 { type ipv4_addr; flags interval
        elements = { 10.0.0.0/8 comment "pods", 192.168.1.0/24, 192.168.3.1,
                     224.0.0.0/3 comment "to the end" }; }
    set ranges6 { type ipv6_addr; flags interval; elements = { ::/1, fd00::/8 comment "ula" }; }
})";

TEST_CASE_FIXTURE(NftSandbox,
                  "sets of every type are read back as written, and listed by nft alike") {
    const auto wanted = table_of(kOfEachType);
    apply(creation_of(wanted));
    CHECK(observe() == wanted);
    const auto ours = nft_list("table inet t");
    nft("delete table inet t");
    nft(kOfEachTypeByNft);
    CHECK(observe() == wanted);
    CHECK(nft_list("table inet t") == ours);
}

TEST_CASE_FIXTURE(NftSandbox, "elements of every type come and go, and are found by their keys") {
    auto table = table_of(kOfEachType);
    apply(creation_of(table));
    for (const auto& set : kOfEachType) {
        for (const auto& element : set.elements) {
            CAPTURE(model::to_string(element.key));
            const auto found = tables.observe_elements(kTable, std::vector{element.key}).value();
            const auto at = std::ranges::find(found->sets, set.name, &FilterSet::name);
            CHECK(at->elements == std::vector{element});
            apply({DeleteElement{kTable, set.name, element}});
            CHECK(tables.observe_elements(kTable, std::vector{element.key}).value()->sets ==
                  tables.observe_elements(kTable, std::vector<SetKey>{}).value()->sets);
            apply({AddElement{kTable, set.name, element}});
        }
    }
    CHECK(observe() == table);
}

TEST_CASE_FIXTURE(NftSandbox, "neighbouring prefixes are two, each with its end") {
    const auto wanted = table_of({{"ranges4",
                                   SetType::ipv4_prefix,
                                   {{prefix("10.0.0.0/9"), "a"}, {prefix("10.128.0.0/9"), "b"}}}});
    apply(creation_of(wanted));
    CHECK(observe() == wanted);
    apply({DeleteElement{kTable, "ranges4", {prefix("10.128.0.0/9")}}});
    CHECK(observe().sets.front().elements == std::vector<SetElement>{{prefix("10.0.0.0/9"), "a"}});
}

TEST_CASE_FIXTURE(NftSandbox, "what a type cannot say is beyond the model") {
    for (const std::string set : {
             "type ipv4_addr; flags interval; elements = { 10.0.0.1-10.0.0.9 }",
             "type inet_service; flags interval; elements = { 80-90 }",
             "type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 . 80 }",
             "type ipv4_addr . ifname",
             "typeof ether saddr",
         }) {
        CAPTURE(set);
        nft("table inet t { set s { " + set + "; }; }");
        CHECK(observe().beyond_model);
        nft("delete table inet t");
    }
}

TEST_CASE_FIXTURE(NftSandbox,
                  "10,000 elements of each family come, are read and go, each in one transaction") {
    constexpr std::uint32_t kCount = 10000;
    const auto wanted = table_of(
        {{"pods4", SetType::ipv4_address, many(Family::ipv4, kCount, std::string(80, 'c'))},
         {"pods6", SetType::ipv6_address, many(Family::ipv6, kCount, "")}});
    apply(creation_of(wanted));
    CHECK(observe() == wanted);
    const auto listed = nlohmann::json::parse(must_run("nft --json list set inet t pods4"));
    CHECK(listed["nftables"][1]["set"]["elem"].size() == kCount);

    plan::Plan deletions;
    for (const auto& set : wanted.sets) {
        for (const auto& element : set.elements)
            deletions.emplace_back(DeleteElement{kTable, set.name, element});
    }
    apply(deletions);
    CHECK(observe() == table_of({kEmpty4, kEmpty6}));
}

TEST_CASE_FIXTURE(NftSandbox, "of 10,000 elements none is added when the last one cannot be") {
    apply(creation_of(table_of({kEmpty4})));
    plan::Plan steps;
    for (const auto& element : many(Family::ipv4, 9999, "pod"))
        steps.emplace_back(AddElement{kTable, "pods4", element});
    steps.emplace_back(AddElement{kTable, "pods4", {ip("fd00::1")}});
    const auto error = refused(steps);
    CHECK(error.errno_value == EINVAL);
    CHECK(observe() == table_of({kEmpty4}));
}

TEST_CASE_FIXTURE(NftSandbox, "single elements are asked for by address") {
    auto table = table_of({{"pods4", SetType::ipv4_address, many(Family::ipv4, 300, "pod")},
                           {"pods6", SetType::ipv6_address, {{ip("fd00::1"), "six"}}}});
    table.chains = {{.name = "c"}};
    apply(creation_of(table));
    const auto asked = [&](std::vector<SetKey> addresses) {
        auto found = tables.observe_elements(kTable, addresses);
        if (!found) FAIL(describe(found.error()));
        return **found;
    };
    CHECK(asked({ip("10.0.0.9"), ip("fd00::1"), ip("10.9.9.9"), ip("10.0.0.7")}) ==
          table_of(
              {{"pods4", SetType::ipv4_address, {{ip("10.0.0.7"), "pod"}, {ip("10.0.0.9"), "pod"}}},
               {"pods6", SetType::ipv6_address, {{ip("fd00::1"), "six"}}}}));
    CHECK(asked({ip("10.9.9.9")}) == table_of({kEmpty4, kEmpty6}));
    CHECK(asked({}) == table_of({kEmpty4, kEmpty6}));
    CHECK(tables.observe_elements({.name = "other"}, std::vector<SetKey>{ip("10.0.0.9")}).value() ==
          std::nullopt);
}

TEST_CASE_FIXTURE(NftSandbox, "thousands of elements can be asked for, there or not") {
    const auto wanted = table_of(
        {{"pods4", SetType::ipv4_address, many(Family::ipv4, 3000, std::string(100, 'c'))}});
    apply(creation_of(wanted));
    std::vector<SetKey> addresses;
    for (std::uint32_t i = 0; i < 6000; ++i)
        addresses.push_back(nth(Family::ipv4, i));
    const auto found = tables.observe_elements(kTable, addresses);
    if (!found) FAIL(describe(found.error()));
    CHECK(*found == wanted);
}

TEST_CASE_FIXTURE(NftSandbox, "a set of another kind than ours is beyond the model") {
    for (const std::string kind : {
             "type ipv4_addr; flags timeout;",
             "type ipv4_addr; flags dynamic;",
             "type ipv4_addr; flags constant;",
             "type ipv4_addr; timeout 1h;",
             "type ipv4_addr; size 10;",
             "type ipv4_addr; counter;",
         }) {
        INFO(kind);
        nft("add table inet t; delete table inet t; table inet t { set pods4 { " + kind + " }; }");
        const auto found = observe();
        CHECK(found.beyond_model);
        CHECK(found.sets.empty());
        // Who asks for single elements sees no such set.
        CHECK(tables.observe_elements(kTable, std::vector<SetKey>{ip("10.0.0.1")})
                  .value()
                  ->sets.empty());
    }
    nft("add table inet t; delete table inet t; table inet t { map m { type ipv4_addr : mark; }; "
        "}");
    CHECK(observe().beyond_model);
}

TEST_CASE_FIXTURE(NftSandbox, "the set of one rule is that rule's affair") {
    nft("table inet t { chain c { ip saddr { 10.0.0.1 } drop; ip saddr { 10.0.0.1, 10.0.0.2 } "
        "drop; }; }");
    const auto found = observe();
    CHECK(!found.beyond_model);
    CHECK(found.sets.empty());
    CHECK(found.chains.at(0).rules.at(1).beyond_model);
}

}  // namespace
}  // namespace ambient::test
