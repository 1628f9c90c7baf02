// A network namespace with one table to try things on, and nft(8) as the second opinion.
#pragma once

#include <string>

#include "common/netlink/nft_tables.hpp"
#include "tests/kernel/sandbox.hpp"

namespace ambient::test {

// What nft(8) makes of `text`, a script of one or more commands; fails the test when it refuses.
std::string nft(const std::string& text);

// Lists without counters' values.
std::string nft_list(const std::string& what);

// The table of most tests.
inline const model::TableId kTable{.name = "t"};

// Fixture (TEST_CASE_FIXTURE): the test's thread is inside a fresh namespace.
struct NftSandbox {
    Netns netns = new_netns();
    Inside inside{netns};
    netlink::NftTables tables = open_tables(netns);

    static netlink::NftTables open_tables(const Netns& netns);

    // These end the test when the kernel refuses.
    void apply(const plan::Plan& steps);
    model::FilterTable observe(const model::TableId& table = kTable);
    // The error, with the rule set unchanged.
    Error refused(const plan::Plan& steps);
};

// The steps that make a table where there is none.
plan::Plan creation_of(const model::FilterTable& table);

}  // namespace ambient::test
