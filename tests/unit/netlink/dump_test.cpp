#include "common/netlink/dump.hpp"

#include <cerrno>

#include <doctest/doctest.h>

#include "tests/unit/netlink/recorded.hpp"

namespace ambient::test {
namespace {

using netlink::Dump;

int count(const auto& messages) {
    int n = 0;
    for ([[maybe_unused]] const auto& message : messages)
        ++n;
    return n;
}

TEST_CASE("a dump collects messages until its end") {
    Dump dump(4);
    CHECK(dump.feed(from_hex(kRoutes4)) == false);
    CHECK(dump.feed(from_hex(kRoutesEnd)) == true);
    CHECK(count(dump) == 2);
}

TEST_CASE("messages and end in one datagram") {
    Dump dump(5);
    CHECK(dump.feed(from_hex(kRules)) == true);
    CHECK(count(dump) == 7);
}

TEST_CASE("answers to another request are passed over") {
    Dump dump(9);
    CHECK(dump.feed(from_hex(kRoutes4)) == false);
    CHECK(dump.feed(from_hex(kRoutesEnd)) == false);
    CHECK(count(dump) == 0);
}

TEST_CASE("a dump that ends with an error is that error, in the kernel's words") {
    Dump dump(8);
    const auto fed = dump.feed(from_hex(kNoTable));
    REQUIRE(!fed);
    CHECK(fed.error().kind == ErrorKind::not_found);
    CHECK(fed.error().errno_value == ENOENT);
    CHECK(fed.error().kernel_text == "ipv4: FIB table does not exist");
}

TEST_CASE("a dump flagged as interrupted anywhere is read to its end, and then an error") {
    for (const bool flag_end : {false, true}) {
        auto first = from_hex(kRoutes4);
        auto last = from_hex(kRoutesEnd);
        auto& flagged = *reinterpret_cast<nlmsghdr*>(flag_end ? last.data() : first.data());
        flagged.nlmsg_flags |= NLM_F_DUMP_INTR;
        Dump dump(4);
        CHECK(dump.feed(first) == false);
        const auto end = dump.feed(last);
        REQUIRE(!end);
        CHECK(end.error().kind == ErrorKind::interrupted);
    }
}

TEST_CASE("lost messages interrupt a dump too") {
    Dump dump(4);
    dump.mark_interrupted();
    CHECK(dump.feed(from_hex(kRoutesEnd)).error().kind == ErrorKind::interrupted);
}

TEST_CASE("an interrupted attempt is repeated, five times at most") {
    const auto attempts_until = [](int success) {
        int attempts = 0;
        const auto outcome = netlink::retry_interrupted([&]() -> Result<int> {
            if (++attempts < success)
                return std::unexpected(Error{.kind = ErrorKind::interrupted, .doing = "dump"});
            return attempts;
        });
        CHECK(outcome.has_value() == (success <= 5));
        return attempts;
    };
    CHECK(attempts_until(1) == 1);
    CHECK(attempts_until(5) == 5);
    CHECK(attempts_until(6) == 5);
}

TEST_CASE("another error is not repeated") {
    int attempts = 0;
    const auto outcome = netlink::retry_interrupted([&]() -> Result<int> {
        ++attempts;
        return std::unexpected(invalid_input("no"));
    });
    CHECK(!outcome);
    CHECK(attempts == 1);
}

TEST_CASE("messages that lie about their length end the iteration") {
    auto bytes = from_hex(kRoutes4);
    for (const std::uint32_t length : {0U, 15U, 0xffffffffU}) {
        auto& second = *reinterpret_cast<nlmsghdr*>(bytes.data() + 0x3c);
        second.nlmsg_len = length;
        CHECK(count(netlink::Messages(bytes)) == 1);
    }
}

}  // namespace
}  // namespace ambient::test
