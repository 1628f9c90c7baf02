#include "common/net/mac_address.hpp"

#include <doctest/doctest.h>

namespace ambient {
namespace {

TEST_CASE("six groups of two hexadecimal digits") {
    CHECK_EQ(MacAddress::parse("02:00:00:aa:BB:cc"), MacAddress{{0x02, 0, 0, 0xaa, 0xbb, 0xcc}});
    CHECK_EQ(to_string(MacAddress{{0x02, 0, 0, 0xaa, 0xbb, 0xcc}}), "02:00:00:aa:bb:cc");
}

TEST_CASE("anything else is not a MAC address") {
    for (const auto* text :
         {"", "02:00:00:aa:bb", "02:00:00:aa:bb:cc:dd", "02-00-00-aa-bb-cc", "02:00:00:aa:bb:c",
          "02:00:00:aa:bb:cg", "0x:00:00:aa:bb:cc", "2:000:00:aa:bb:cc", " 2:00:00:aa:bb:cc"}) {
        CAPTURE(text);
        CHECK_FALSE(MacAddress::parse(text).has_value());
    }
}

}  // namespace
}  // namespace ambient
