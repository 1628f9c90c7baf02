#include "tests/kernel/nft_sandbox.hpp"

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"

namespace ambient::test {

std::string nft(const std::string& text) {
    auto outcome = run({"nft", text});
    INFO(text);
    INFO(outcome.output);
    REQUIRE(outcome.status == 0);
    return outcome.output;
}

std::string nft_list(const std::string& what) { return must_run("nft --stateless list " + what); }

netlink::NftTables NftSandbox::open_tables(const Netns& netns) {
    auto opened = netlink::NftTables::open(netns);
    if (!opened) FAIL(describe(opened.error()));
    return *std::move(opened);
}

void NftSandbox::apply(const plan::Plan& steps) {
    const auto outcome = tables.apply(steps);
    if (!outcome) FAIL(describe(outcome.error()));
}

model::FilterTable NftSandbox::observe(const model::TableId& table) {
    auto observed = tables.observe_table(table);
    if (!observed) FAIL(describe(observed.error()));
    REQUIRE(observed->has_value());
    return **std::move(observed);
}

Error NftSandbox::refused(const plan::Plan& steps) {
    const auto before = must_run("nft list ruleset");
    auto outcome = tables.apply(steps);
    REQUIRE(!outcome);
    CHECK(must_run("nft list ruleset") == before);
    return std::move(outcome).error();
}

plan::Plan creation_of(const model::FilterTable& table) {
    plan::Plan steps{plan::CreateTable{table.id}};
    for (const auto& set : table.sets)
        steps.emplace_back(plan::CreateSet{table.id, set.name, set.type});
    for (const auto& chain : table.chains)
        steps.emplace_back(plan::CreateChain{table.id, chain.name, chain.hook});
    for (const auto& chain : table.chains) {
        steps.emplace_back(plan::ReplaceRules{table.id, chain.name, chain.rules});
    }
    for (const auto& set : table.sets) {
        for (const auto& element : set.elements) {
            steps.emplace_back(plan::AddElement{table.id, set.name, element});
        }
    }
    return steps;
}

}  // namespace ambient::test
