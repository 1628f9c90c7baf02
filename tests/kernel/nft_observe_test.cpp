#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/nft_sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using plan::AddElement;
using plan::DeleteElement;

// Of the calling thread only.
void drop_capabilities() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    ::syscall(SYS_capset, &header, none.data());
}

TEST_CASE_FIXTURE(NftSandbox, "a table that is not there is nothing") {
    CHECK(tables.observe_table(kTable).value() == std::nullopt);
    nft("table ip t { chain c { }; }");
    CHECK(tables.observe_table(kTable).value() == std::nullopt);
}

TEST_CASE_FIXTURE(NftSandbox, "other tables' sets, chains and rules are not ours") {
    nft("table inet t { chain c { drop; }; }");
    const auto alone = observe();
    nft("table inet other { set s { type ipv4_addr; flags interval; }; chain c { limit rate "
        "1/second; }; }");
    nft("table inet other2 { chain i { type filter hook input priority 0; policy drop; }; }");
    CHECK(observe() == alone);
}

TEST_CASE_FIXTURE(NftSandbox, "what changes a table or chain as a whole is beyond the model") {
    for (const std::string script : {
             "table inet t { flags dormant; }",
             "table inet t { chain c { type filter hook input priority 0; policy drop; }; }",
             "table inet t { chain c { type filter hook ingress device lo priority 0; }; }",
         }) {
        INFO(script);
        nft("add table inet t; delete table inet t");
        nft(script);
        const auto found = observe();
        CHECK(found.beyond_model);
        CHECK(found.chains.empty());
    }
}

TEST_CASE_FIXTURE(NftSandbox, "the chain of a verdict block is its rule's affair") {
    nft("table inet t { chain c { jump { drop; }; accept; }; }");
    const auto found = observe();
    CHECK(!found.beyond_model);
    REQUIRE(found.chains.size() == 1);
    REQUIRE(found.chains[0].rules.size() == 2);
    CHECK(found.chains[0].rules[0].beyond_model);
}

// So many sets that reading them takes longer than a transaction of the other's, which changes the
// first and the last set alike: any sight in which they differ is of no moment at all.
TEST_CASE_FIXTURE(NftSandbox,
                  "what is observed while another writes is one moment's state, or interrupted") {
    model::FilterTable table{.id = kTable};
    for (int i = 0; i < 200; ++i) {
        table.sets.push_back(
            {"s" + std::to_string(1000 + i), model::SetType::ipv4_address, {{ip("10.0.0.0")}}});
    }
    apply(creation_of(table));
    const std::array ends{table.sets.front().name, table.sets.back().name};

    std::atomic<bool> stop = false;
    auto theirs = open_tables(netns);
    std::thread writer([&] {
        auto before = ip("10.0.0.0");
        for (std::uint8_t n = 1; !stop; ++n) {
            const auto now = IpAddress::v4(10, 0, 1, n);
            plan::Plan steps;
            for (const auto& set : ends) {
                steps.emplace_back(DeleteElement{kTable, set, {before}});
                steps.emplace_back(AddElement{kTable, set, {now}});
            }
            if (!theirs.apply(steps)) break;
            before = now;
        }
    });
    int torn = 0;
    int failed = 0;
    for (int i = 0; i < 15; ++i) {
        const auto found = tables.observe_table(kTable);
        if (found) {
            const auto& sets = (*found)->sets;
            if (sets.front().elements != sets.back().elements) ++torn;
        } else if (found.error().kind != ErrorKind::interrupted) {
            ++failed;
        }
    }
    stop = true;
    writer.join();
    CHECK(torn == 0);
    CHECK(failed == 0);
    CHECK(observe().sets.size() == table.sets.size());
}

TEST_CASE_FIXTURE(NftSandbox, "without the capability the kernel's refusal is told as such") {
    std::optional<Error> read;
    std::optional<Error> write;
    std::thread([&] {
        drop_capabilities();
        auto unprivileged = netlink::NftTables::open(netns);
        if (!unprivileged) return;
        if (auto found = unprivileged->observe_table(kTable); !found) read = found.error();
        const plan::Plan steps{plan::CreateTable{kTable}};
        if (auto done = unprivileged->apply(steps); !done) write = done.error();
    }).join();
    REQUIRE(read);
    CHECK(read->kind == ErrorKind::permission);
    CHECK(read->object == "table inet t");
    REQUIRE(write);
    CHECK(write->kind == ErrorKind::permission);
    CHECK(write->object == "the whole transaction");
}

}  // namespace
}  // namespace ambient::test
