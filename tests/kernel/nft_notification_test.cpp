#include "common/netlink/nft_notification.hpp"

#include <linux/netfilter/nfnetlink.h>

#include <algorithm>

#include <doctest/doctest.h>

#include "common/netlink/netlink_socket.hpp"
#include "tests/kernel/nft_sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using netlink::NftNotification;

// Fixture: listens to the namespace's nf_tables.
struct Listening : NftSandbox {
    netlink::NetlinkSocket socket = listen(netns);

    static netlink::NetlinkSocket listen(const Netns& netns) {
        auto socket = netlink::NetlinkSocket::open(netns, NETLINK_NETFILTER);
        REQUIRE(socket.has_value());
        REQUIRE(socket->join(NFNLGRP_NFTABLES).has_value());
        return *std::move(socket);
    }

    // What was told since the last call, repetitions left out. Nothing has to be waited for: the
    // kernel tells it before it answers to who made the change.
    std::vector<NftNotification> told() {
        std::vector<NftNotification> all;
        for (auto datagram = socket.receive(); datagram; datagram = socket.receive()) {
            for (const nlmsghdr& message : netlink::Messages(*datagram)) {
                const auto* bytes = reinterpret_cast<const std::uint8_t*>(&message);
                const auto decoded = netlink::decode_nft_notification({bytes, message.nlmsg_len});
                if (decoded && std::ranges::find(all, *decoded) == all.end())
                    all.push_back(*decoded);
            }
        }
        return all;
    }
};

TEST_CASE_FIXTURE(Listening, "changes of a table, its chains, rules and sets name the table") {
    for (const std::string change : {
             "add table inet t",
             "add chain inet t c",
             "add rule inet t c drop",
             "flush chain inet t c",
             "add set inet t s { type ipv4_addr; }",
             "add counter inet t n",
             "delete chain inet t c",
             "delete table inet t",
         }) {
        INFO(change);
        nft(change);
        CHECK(told() == std::vector{NftNotification{kTable}});
    }
}

TEST_CASE_FIXTURE(Listening, "changes of elements name their addresses") {
    nft("table inet t { set s { type ipv4_addr; }; set s6 { type ipv6_addr; }; set i { type "
        "ipv4_addr; flags "
        "interval; }; }");
    (void)told();
    nft("add element inet t s { 10.0.0.1 comment \"a\" }");
    CHECK(told() == std::vector{NftNotification{kTable, "s", {ip("10.0.0.1")}}});
    nft("add element inet t s6 { fd00::1 }; delete element inet t s { 10.0.0.1 }");
    CHECK(told() == std::vector{NftNotification{kTable, "s6", {ip("fd00::1")}},
                                NftNotification{kTable, "s", {ip("10.0.0.1")}}});
    // No addresses of the model: look at everything.
    nft("add element inet t i { 10.0.0.0/8 }");
    const auto all = told();
    CHECK(std::ranges::find(all, NftNotification{kTable, "i"}) != all.end());
}

TEST_CASE_FIXTURE(Listening, "other families are not ours") {
    nft("table ip t { chain c { drop; }; }");
    CHECK(told().empty());
}

}  // namespace
}  // namespace ambient::test
