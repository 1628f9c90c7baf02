#include "common/net/ip_address.hpp"

#include <vector>

#include <doctest/doctest.h>

namespace ambient {
namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

TEST_CASE("addresses: what inet_pton takes, in the kernel's spelling") {
    for (const auto* text : {"0.0.0.0", "10.244.1.11", "255.255.255.255", "::", "::1",
                             "fd00:10:244:1::11", "fe80::1", "::ffff:10.0.0.1"}) {
        CAPTURE(text);
        const auto address = IpAddress::parse(text);
        REQUIRE(address.has_value());
        CHECK_EQ(to_string(*address), text);
    }
    CHECK_EQ(to_string(ip("FD00:0:0::1")), "fd00::1");
}

TEST_CASE("anything else is not an address") {
    for (const auto* text :
         {"", "10.0.0", "10.0.0.256", "10.0.0.01x", "10.0.0.1 ", " 10.0.0.1", "10.0.0.1/8", "1:2",
          ":::", "fe80::1%eth0", "[::1]", "localhost", "0x7f.1"}) {
        CAPTURE(text);
        CHECK_FALSE(IpAddress::parse(text).has_value());
    }
    CHECK_FALSE(IpAddress::parse(std::string_view("10.0.0.1\0x", 10)).has_value());
}

TEST_CASE("families, bytes and the special addresses") {
    CHECK_EQ(ip("10.0.0.1").family(), Family::ipv4);
    CHECK_EQ(ip("fd00::1").family(), Family::ipv6);
    CHECK_EQ(ip("10.0.0.1").bytes().size(), 4);
    CHECK_EQ(ip("fd00::1").bytes().size(), 16);
    CHECK_EQ(ip("10.0.0.1"), IpAddress::v4(10, 0, 0, 1));
    CHECK_EQ(to_string(Family::ipv4), "ipv4");
    CHECK_EQ(to_string(Family::ipv6), "ipv6");
    CHECK_EQ(IpAddress::loopback(Family::ipv4), ip("127.0.0.1"));
    CHECK_EQ(IpAddress::loopback(Family::ipv6), ip("::1"));
    // The same bytes in another family are another address.
    CHECK_NE(ip("0.0.0.0"), ip("::"));
    CHECK_LT(ip("10.0.0.2"), ip("10.0.0.10"));
    CHECK_LT(ip("255.0.0.0"), ip("::1"));
}

TEST_CASE("addresses from bytes: four or sixteen") {
    for (const auto* text : {"10.0.0.1", "fd00::1"}) {
        CHECK_EQ(IpAddress::from_bytes(ip(text).bytes()), ip(text));
    }
    for (const std::size_t size : {0U, 3U, 5U, 15U, 17U}) {
        CHECK_FALSE(IpAddress::from_bytes(std::vector<std::uint8_t>(size)).has_value());
    }
}

TEST_CASE("prefixes: host bits are cleared, a bare address is its own prefix") {
    CHECK_EQ(to_string(*Prefix::parse("10.244.1.77/24")), "10.244.1.0/24");
    CHECK_EQ(to_string(*Prefix::parse("10.255.0.0/9")), "10.128.0.0/9");
    CHECK_EQ(to_string(*Prefix::parse("fd00:1:2::77/33")), "fd00:1::/33");
    CHECK_EQ(to_string(*Prefix::parse("10.0.0.1")), "10.0.0.1");
    CHECK_EQ(to_string(*Prefix::parse("10.0.0.1/32")), "10.0.0.1");
    CHECK_EQ(to_string(*Prefix::parse("fd00::1/128")), "fd00::1");
    CHECK_EQ(to_string(*Prefix::parse("0.0.0.0/0")), "0.0.0.0/0");
    CHECK_EQ(Prefix::everything(Family::ipv6), Prefix::parse("::/0"));
    CHECK_EQ(Prefix::host(ip("fd00::1")), Prefix::parse("fd00::1"));
    CHECK(Prefix::host(ip("10.0.0.1")).is_host());
    CHECK_FALSE(Prefix::parse("10.0.0.0/31")->is_host());
    CHECK_FALSE(Prefix::parse("fd00::/32")->is_host());
}

TEST_CASE("lengths that a family does not have") {
    for (const auto* text : {"10.0.0.0/33", "fd00::/129", "10.0.0.0/-1", "10.0.0.0/",
                             "10.0.0.0/8/8", "/8", "10.0.0.0/ 8", "x/8"}) {
        CAPTURE(text);
        CHECK_FALSE(Prefix::parse(text).has_value());
    }
    CHECK_FALSE(Prefix::make(ip("10.0.0.0"), 33).has_value());
    CHECK_FALSE(Prefix::make(ip("10.0.0.0"), -1).has_value());
}

TEST_CASE("a prefix contains the addresses of its family that share its bits") {
    const auto prefix = *Prefix::parse("10.244.1.0/30");
    CHECK(prefix.contains(ip("10.244.1.3")));
    CHECK_FALSE(prefix.contains(ip("10.244.1.4")));
    CHECK(Prefix::parse("fd00::/8")->contains(ip("fdff::1")));
    CHECK_FALSE(Prefix::parse("fd00::/8")->contains(ip("fe00::1")));
    CHECK(Prefix::everything(Family::ipv4).contains(ip("192.0.2.1")));
    CHECK_FALSE(Prefix::everything(Family::ipv4).contains(ip("::1")));
}

}  // namespace
}  // namespace ambient
