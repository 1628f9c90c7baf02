#include "common/net/mark.hpp"

#include <doctest/doctest.h>

namespace ambient {
namespace {

TEST_CASE("marks as text") {
    CHECK_EQ(Mark::parse("0x4d3/0xfff"), Mark{.value = 0x4d3, .mask = 0xfff});
    CHECK_EQ(Mark::parse("256/256"), Mark::bits(0x100));
    CHECK_EQ(Mark::parse("0x200"), Mark{.value = 0x200, .mask = 0xffffffff});
    CHECK_EQ(to_string(Mark::bits(0x200)), "0x200/0x200");
    CHECK_EQ(to_string(Mark{.value = 0x200}), "0x200");
    CHECK_EQ(to_string(Mark{.value = 0, .mask = 0xf}), "0x0/0xf");
}

TEST_CASE("what is not a mark, value bits outside the mask included") {
    for (const auto* text : {"", "/", "0x1/", "/0x1", "0x3/0x1", "0x100000000", "-1",
                             "1/0x1ffffffff", "0x1/0x1/0x1"}) {
        CAPTURE(text);
        CHECK_FALSE(Mark::parse(text).has_value());
    }
}

TEST_CASE("a masked write keeps the bits of others, a masked match does not look at them") {
    constexpr Mark tproxy{.value = 0x400, .mask = 0xfff};
    CHECK_EQ(tproxy.applied_to(0xabcd1234), 0xabcd1400);
    CHECK(tproxy.matches(0xabcd1400));
    CHECK_FALSE(tproxy.matches(0xabcd1401));
    CHECK_EQ(Mark::bits(0x220).applied_to(0x4001), 0x4221);
    CHECK(Mark::bits(0x220).matches(0x4221));
    CHECK_FALSE(Mark::bits(0x220).matches(0x200));
}

}  // namespace
}  // namespace ambient
