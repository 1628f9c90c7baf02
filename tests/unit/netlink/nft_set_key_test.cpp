// Keys of set elements as bytes, and prefixes as the ends of intervals.
#include "common/netlink/nft_set_key.hpp"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

namespace ambient::netlink::nft {
namespace {

using model::SetElement;
using model::SetType;

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

KeyBytes bytes(const char* address) {
    return KeyBytes::of(IpAddress::parse(address).value().bytes()).value();
}

TEST_CASE("a prefix ends at the first address behind it") {
    const auto end_of = [](const char* text) {
        const auto wire = encode_element({.key = prefix(text)});
        return wire.size() == 2 ? std::optional(wire[1]) : std::nullopt;
    };
    CHECK(end_of("10.0.0.0/8") == WireElement{bytes("11.0.0.0"), true});
    CHECK(end_of("10.255.255.255/32") == WireElement{bytes("11.0.0.0"), true});
    CHECK(end_of("0.0.0.0/1") == WireElement{bytes("128.0.0.0"), true});
    CHECK(end_of("fd00::/8") == WireElement{bytes("fe00::"), true});
    CHECK(!end_of("224.0.0.0/3"));
    CHECK(!end_of("0.0.0.0/0"));
}

TEST_CASE("prefixes are read in any order of their ends; a neighbour's end comes before it") {
    std::vector<SetElement> elements;
    for (const auto* text : {"10.0.0.0/9", "10.128.0.0/9", "192.168.1.1", "224.0.0.0/3"})
        elements.push_back({prefix(text), text});
    std::vector<WireElement> wire{{.key = bytes("0.0.0.0"), .ends = true}};  // nft(8) begins so
    for (const auto& element : elements)
        std::ranges::copy(encode_element(element), std::back_inserter(wire));
    std::mt19937 random(3);
    for (int i = 0; i < 20; ++i) {
        std::ranges::shuffle(wire, random);
        CHECK(decode_elements_of(SetType::ipv4_prefix, wire) == elements);
    }
}

TEST_CASE("what is no prefix, and what is no key of the type, is refused") {
    const auto wire = [](const char* address, bool ends = false) {
        return WireElement{.key = bytes(address), .ends = ends};
    };
    const auto prefixes = [](std::vector<WireElement> all) {
        return decode_elements_of(SetType::ipv4_prefix, std::move(all)).has_value();
    };
    CHECK(prefixes({wire("10.0.0.0"), wire("10.0.0.2", true)}));
    CHECK_FALSE(prefixes({wire("10.0.0.0"), wire("10.0.0.3", true)}));
    CHECK_FALSE(prefixes({wire("10.0.0.1"), wire("10.0.0.3", true)}));
    CHECK_FALSE(prefixes({wire("10.0.0.1")}));
    CHECK_FALSE(prefixes({wire("10.0.0.0"), wire("10.0.0.2")}));
    CHECK_FALSE(prefixes({wire("10.0.0.0", true)}));
    CHECK_FALSE(decode_elements_of(SetType::ipv4_address, {wire("10.0.0.1", true)}));
    CHECK_FALSE(decode_elements_of(SetType::ipv6_address, {wire("10.0.0.1")}));
    CHECK_FALSE(decode_elements_of(SetType::port, {wire("10.0.0.1")}));
    CHECK_FALSE(decode_elements_of(SetType::ipv4_endpoint, {wire("10.0.0.1")}));
    const KeyBytes endless = KeyBytes::of(std::vector<std::uint8_t>(16, 'a')).value();
    CHECK_FALSE(decode_elements_of(SetType::interface, {{.key = endless}}));
    CHECK_FALSE(KeyBytes::of(std::vector<std::uint8_t>(21)));
}

}  // namespace
}  // namespace ambient::netlink::nft
