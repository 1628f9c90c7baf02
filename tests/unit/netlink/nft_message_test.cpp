// What goes over the wire: messages that the kernel would send are made with our own encoders or by
// hand.
#include <cstring>
#include <random>

#include <doctest/doctest.h>
#include <libmnl/libmnl.h>

#include "common/netlink/netlink_socket.hpp"
#include "common/netlink/nft_element_codec.hpp"
#include "common/netlink/nft_notification.hpp"
#include "common/netlink/nft_object_codec.hpp"
#include "common/netlink/nft_rule_message.hpp"
#include "common/netlink/nft_transaction.hpp"
#include "common/netlink/nft_uapi.hpp"
#include "tests/unit/netlink/nft_rule_samples.hpp"

namespace ambient::netlink::nft {
namespace {

const model::TableId kTable{.name = "t"};

const nlmsghdr& first_of(const MessageBuffer& messages) {
    return *reinterpret_cast<const nlmsghdr*>(messages.bytes().data());
}

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

void put_number(nlmsghdr* message, std::uint16_t attribute, std::uint32_t value) {
    mnl_attr_put_u32(message, attribute, htonl(value));
}

TEST_CASE("a rule with an expression that libnftnl does not know is beyond the model") {
    MessageBuffer messages;
    auto* message = messages.start(NFT_MSG_NEWRULE, 0, kTable.family);
    mnl_attr_put_strz(message, NFTA_RULE_TABLE, "t");
    mnl_attr_put_strz(message, NFTA_RULE_CHAIN, "c");
    auto* list = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
    auto* item = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
    mnl_attr_put_strz(message, NFTA_EXPR_NAME, "of-tomorrow");
    mnl_attr_nest_end(message, item);
    mnl_attr_nest_end(message, list);
    messages.finish(message);
    const auto decoded = decode_rule_message(first_of(messages));
    REQUIRE(decoded.has_value());
    CHECK(decoded->chain == "c");
    CHECK(decoded->rule.beyond_model);
}

TEST_CASE("a rule of no chain is none") {
    MessageBuffer messages;
    messages.finish(messages.start(NFT_MSG_NEWRULE, 0, kTable.family));
    CHECK(!decode_rule_message(first_of(messages)));
}

TEST_CASE("rules go through a message unchanged") {
    for (const auto& sample : test::rule_samples()) {
        INFO(sample.line);
        MessageBuffer messages;
        REQUIRE(put_rule(kTable, "c", sample.rule, messages).has_value());
        const auto decoded = decode_rule_message(first_of(messages));
        REQUIRE(decoded.has_value());
        CHECK(decoded->rule == sample.rule);
    }
}

TEST_CASE("an element's comment is found among other user data, and nothing is read past its end") {
    const auto comment_of = [](std::vector<std::uint8_t> user_data) {
        MessageBuffer messages;
        auto* message = messages.start(NFT_MSG_NEWSETELEM, 0, kTable.family);
        auto* list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
        auto* item = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
        auto* key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
        mnl_attr_put(message, NFTA_DATA_VALUE, 4, "\x0a\0\0\1");
        mnl_attr_nest_end(message, key);
        mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, user_data.size(), user_data.data());
        mnl_attr_nest_end(message, item);
        mnl_attr_nest_end(message, list);
        messages.finish(message);
        const auto decoded = decode_elements(first_of(messages));
        REQUIRE(decoded.elements.size() == 1);
        CHECK(IpAddress::from_bytes(decoded.elements[0].key.span()) == ip("10.0.0.1"));
        return decoded.elements[0].comment;
    };
    CHECK(comment_of({0, 2, 'x', 0}) == "x");
    CHECK(comment_of({1, 4, 9, 9, 9, 9, 0, 3, 'x', 'y', 0}) == "xy");
    CHECK(comment_of({0, 1, 'x'}) == "x");
    CHECK(comment_of({0, 3, 'x', 0}).empty());
    CHECK(comment_of({0, 255}).empty());
    CHECK(comment_of({0}).empty());
    CHECK(comment_of({0, 0}).empty());
    CHECK(comment_of({}).empty());
}

TEST_CASE("a base chain of another policy, type, hook or device is beyond the model") {
    struct Base {
        std::uint32_t hook = NF_INET_PRE_ROUTING;
        const char* type = "filter";
        std::uint32_t policy = NF_ACCEPT;
        std::uint32_t flags = NFT_CHAIN_BASE;
        const char* device = nullptr;
    };
    const auto decode = [](const Base& base) {
        MessageBuffer messages;
        auto* message = messages.start(NFT_MSG_NEWCHAIN, 0, kTable.family);
        mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, "t");
        mnl_attr_put_strz(message, NFTA_CHAIN_NAME, "c");
        auto* hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
        put_number(message, NFTA_HOOK_HOOKNUM, base.hook);
        put_number(message, NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(-150));
        if (base.device != nullptr) mnl_attr_put_strz(message, NFTA_HOOK_DEV, base.device);
        mnl_attr_nest_end(message, hook);
        put_number(message, NFTA_CHAIN_POLICY, base.policy);
        put_number(message, NFTA_CHAIN_FLAGS, base.flags);
        mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, base.type);
        messages.finish(message);
        return decode_chain(first_of(messages)).value;
    };
    const model::ChainHook plain{model::ChainType::filter, model::Hook::prerouting, -150};
    REQUIRE(decode({}).has_value());
    CHECK(decode({})->hook == plain);
    CHECK(!decode({.hook = NF_INET_INGRESS}));
    CHECK(!decode({.hook = 77}));
    CHECK(!decode({.type = "of-tomorrow"}));
    CHECK(!decode({.policy = NF_DROP}));
    CHECK(!decode({.flags = NFT_CHAIN_BASE | NFT_CHAIN_HW_OFFLOAD}));
    CHECK(!decode({.device = "eth0"}));
}

TEST_CASE("notifications of others are none") {
    const auto decode = [](std::uint16_t type, std::uint8_t family) {
        MessageBuffer messages;
        put_table(kTable, messages);
        std::vector<std::uint8_t> bytes(messages.bytes().size());
        std::memcpy(bytes.data(), messages.bytes().data(), bytes.size());
        auto* header = reinterpret_cast<nlmsghdr*>(bytes.data());
        header->nlmsg_type = type;
        bytes[NLMSG_HDRLEN] = family;
        return decode_nft_notification(bytes);
    };
    constexpr auto kNewTable =
        static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
    CHECK(decode(kNewTable, NFPROTO_INET) == NftNotification{kTable});
    CHECK(decode(kNewTable, NFPROTO_BRIDGE) ==
          NftNotification{{.family = model::TableFamily::bridge, .name = "t"}});
    CHECK(!decode(kNewTable, NFPROTO_IPV4));
    CHECK(!decode(static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8), NFPROTO_INET));
    CHECK(!decode_nft_notification({}));
}

TEST_CASE("steps become messages between brackets, of which one is acknowledged") {
    const plan::Plan steps{plan::CreateTable{kTable},
                           plan::AddElement{kTable, "s", {ip("10.0.0.1")}},
                           plan::AddElement{kTable, "s", {ip("10.0.0.2")}},
                           plan::AddElement{kTable, "other", {ip("10.0.0.3")}}};
    auto transaction = Transaction::make(steps);
    REQUIRE(transaction.has_value());
    std::vector<std::uint16_t> types;
    int acknowledged = 0;
    for (const nlmsghdr& message : Messages(transaction->messages().bytes())) {
        types.push_back(message.nlmsg_type);
        if ((message.nlmsg_flags & NLM_F_ACK) != 0) ++acknowledged;
    }
    constexpr std::uint16_t kSubsystem = NFNL_SUBSYS_NFTABLES << 8;
    CHECK(types == std::vector<std::uint16_t>{NFNL_MSG_BATCH_BEGIN, kSubsystem | NFT_MSG_NEWTABLE,
                                              kSubsystem | NFT_MSG_NEWSETELEM,
                                              kSubsystem | NFT_MSG_NEWSETELEM, NFNL_MSG_BATCH_END});
    CHECK(acknowledged == 1);
    CHECK(transaction->name_of(1) == "create table inet t");
    CHECK(transaction->name_of(2) ==
          "add element 10.0.0.1 to set s of table inet t, or one of the 1 elements after it");
    CHECK(transaction->name_of(3) == "add element 10.0.0.3 to set other of table inet t");
    CHECK(transaction->name_of(0) == "the whole transaction");
    CHECK(transaction->name_of(4) == "the whole transaction");
}

TEST_CASE("many elements share messages, each short enough for its length field") {
    plan::Plan steps;
    for (int i = 0; i < 10000; ++i) {
        steps.emplace_back(plan::AddElement{
            kTable,
            "s",
            {IpAddress::v4(10, 0, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i)),
             std::string(127, 'c')}});
    }
    auto transaction = Transaction::make(steps);
    REQUIRE(transaction.has_value());
    std::size_t elements = 0;
    for (const nlmsghdr& message : Messages(transaction->messages().bytes())) {
        CHECK(message.nlmsg_len < 65536);
        if (message.nlmsg_type >= NLMSG_MIN_TYPE * 2)
            elements += decode_elements(message).elements.size();
    }
    CHECK(elements == 10000);
    CHECK(transaction->messages().size() < 40);
}

// Reads nothing that is not there (run with sanitizers). Rules are left out: libnftnl ends the
// process on an attribute that the kernel cannot have written.
TEST_CASE("broken messages are survived") {
    MessageBuffer good;
    put_table(kTable, good);
    put_chain(kTable, "c", model::ChainHook{}, good);
    put_set(kTable, "s", model::SetType::ipv6_address, 1, good);
    const model::SetElement one{ip("10.0.0.1"), "comment"};
    const auto* only = &one;
    REQUIRE(put_elements(NFT_MSG_NEWSETELEM, 0, kTable, "s", {&only, 1}, good).has_value());
    std::vector<std::vector<std::byte>> originals;
    for (const nlmsghdr& message : Messages(good.bytes())) {
        const auto* start = reinterpret_cast<const std::byte*>(&message);
        originals.emplace_back(start, start + message.nlmsg_len);
    }

    std::mt19937 random(42);
    for (int i = 0; i < 50000; ++i) {
        // The header that a socket has checked stays whole; attributes and the length do not.
        auto bytes = originals[random() % originals.size()];
        for (auto left = random() % 4 + 1; left > 0; --left) {
            const auto at = NLMSG_HDRLEN + random() % (bytes.size() - NLMSG_HDRLEN);
            bytes[at] = static_cast<std::byte>(random());
        }
        bytes.resize(NLMSG_HDRLEN + random() % (bytes.size() - NLMSG_HDRLEN + 1));
        auto* message = reinterpret_cast<nlmsghdr*>(bytes.data());
        message->nlmsg_len = static_cast<std::uint32_t>(bytes.size());
        (void)decode_chain(*message);
        (void)decode_set(*message);
        (void)is_plain_table(*message);
        (void)decode_elements(*message);
        (void)decode_nft_notification(
            {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    }
}

}  // namespace
}  // namespace ambient::netlink::nft
