#include "common/base/parse.hpp"

#include <cstdint>

#include <doctest/doctest.h>

namespace ambient {
namespace {

TEST_CASE("a whole decimal number in its range") {
    CHECK_EQ(parse_integer<int>("42"), 42);
    CHECK_EQ(parse_integer<int>("-7"), -7);
    CHECK_EQ(parse_integer<std::uint16_t>("65535"), 65535);
    CHECK_EQ(parse_integer<int>("5", 5, 6), 5);
    CHECK_EQ(parse_integer<int>("6", 5, 6), 6);
}

TEST_CASE("anything else is nothing") {
    for (const auto* text :
         {"", " 1", "1 ", "1x", "x", "+1", "--1", "0x10", "1.0", "99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_integer<int>(text).has_value());
    }
    CHECK_FALSE(parse_integer<std::uint16_t>("65536").has_value());
    CHECK_FALSE(parse_integer<std::uint16_t>("-1").has_value());
    CHECK_FALSE(parse_integer<int>("4", 5, 6).has_value());
    CHECK_FALSE(parse_integer<int>("7", 5, 6).has_value());
}

TEST_CASE("with base 0, hexadecimal after 0x") {
    const auto parse = [](const char* text) {
        return parse_integer<std::uint32_t>(text, 0, 0xfff, 0);
    };
    CHECK_EQ(parse("0x4d3"), 0x4d3);
    CHECK_EQ(parse("100"), 100);
    CHECK_FALSE(parse("0x").has_value());
    CHECK_FALSE(parse("4d3").has_value());
    CHECK_FALSE(parse("0x1000").has_value());
}

}  // namespace
}  // namespace ambient
