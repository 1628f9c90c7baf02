// Datagrams beyond the socket's buffers, which a node's net.core.wmem_default and rmem_default set.
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "common/netlink/dump.hpp"
#include "common/netlink/nft_exchange.hpp"
#include "common/netlink/nft_table_reader.hpp"
#include "common/netlink/nft_transaction.hpp"
#include "tests/kernel/nft_sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

constexpr int kPods = 80;

// A socket as it would be with the smallest values that the kernel accepts for both.
netlink::NetlinkSocket small_socket(const Netns& netns) {
    auto socket = netlink::NetlinkSocket::open(netns, NETLINK_NETFILTER).value();
    for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
        const int least = 0;
        REQUIRE(::setsockopt(socket.fd(), SOL_SOCKET, option, &least, sizeof least) == 0);
    }
    return socket;
}

model::FilterTable table_of_pods() {
    model::FilterTable table{.id = kTable, .sets = {{"pods4", model::SetType::ipv4_address, {}}}};
    for (int i = 0; i < kPods; ++i) {
        table.sets[0].elements.push_back(
            {ip("10.0.0." + std::to_string(100 + i)), std::string(100, 'c')});
    }
    return table;
}

TEST_CASE_FIXTURE(NftSandbox, "a transaction larger than the send buffer is sent as a whole") {
    auto socket = small_socket(netns);
    const auto wanted = table_of_pods();
    const auto steps = creation_of(wanted);
    auto transaction = netlink::nft::Transaction::make(steps).value();
    const auto answers =
        netlink::nft::exchange(socket, transaction.messages(), [](const nlmsghdr&) {});
    if (!answers) FAIL(describe(answers.error()));
    CHECK(answers->refusals.empty());
    CHECK(observe() == wanted);
}

TEST_CASE_FIXTURE(NftSandbox, "answers that were lost for want of room have room the next time") {
    const auto wanted = table_of_pods();
    apply(creation_of(wanted));
    std::vector<model::SetKey> addresses;
    for (const auto& element : wanted.sets[0].elements)
        addresses.push_back(element.key);
    auto socket = small_socket(netns);
    const auto found = netlink::retry_interrupted(
        [&] { return netlink::nft::read_elements(socket, kTable, addresses); });
    if (!found) FAIL(describe(found.error()));
    CHECK(*found == wanted);
}

}  // namespace
}  // namespace ambient::test
