#include "common/cni/result.hpp"

#include <doctest/doctest.h>

using namespace ambient;
using cni::Version;

namespace {

// As Debian's ptp answers it; "ips" of before 1.0.0 has a version.
constexpr std::string_view kResult04 =
    R"({"cniVersion":"0.4.0","interfaces":[{"name":"veth1","mac":"02:00:00:00:00:01"},)"
    R"({"name":"eth0","mac":"02:00:00:00:00:02","sandbox":"/run/netns/p"}],)"
    R"("ips":[{"version":"4","interface":1,"address":"10.244.1.11/24","gateway":"10.244.1.1"}],)"
    R"("routes":[{"dst":"0.0.0.0/0"}],"dns":{"nameservers":["10.1.0.1"]},"x":[1.5,null,true]})";

cni::Outcome<cni::PreviousResult> read(std::string_view text, Version asked = Version::v1_0_0) {
    const auto result = cni::parse_json(text, "the test's result");
    REQUIRE(result);
    return cni::read_result(*result, asked, "eth0");
}

}  // namespace

TEST_CASE("a result of the version asked passes through unchanged") {
    const auto previous = read(kResult04, Version::v0_4_0);
    REQUIRE(previous);
    CHECK(previous->text == kResult04);
    CHECK(previous->addresses == std::vector{IpAddress::v4(10, 244, 1, 11)});
}

TEST_CASE("a result of another version is converted to the one asked") {
    const auto newer =
        read(R"({"cniVersion":"0.3.1","ips":[{"version":"6","address":"fd00::1/64"}]})");
    REQUIRE(newer);
    CHECK(newer->text == R"({"cniVersion":"1.0.0","ips":[{"address":"fd00::1/64"}]})");
    const auto older =
        read(R"({"cniVersion":"1.0.0","ips":[{"address":"10.0.0.1/8"},{"address":"fd00::1/64"}]})",
             Version::v0_3_0);
    REQUIRE(older);
    CHECK(older->text == R"({"cniVersion":"0.3.0","ips":[{"address":"10.0.0.1/8","version":"4"},)"
                         R"({"address":"fd00::1/64","version":"6"}]})");
}

TEST_CASE("a result without a version has the configuration's") {
    const auto previous = read(R"({"ips":[{"address":"10.0.0.1/8"}]})");
    REQUIRE(previous);
    CHECK(previous->text == R"({"ips":[{"address":"10.0.0.1/8"}],"cniVersion":"1.0.0"})");
}

TEST_CASE("the pod's addresses are those of its interface") {
    const auto previous = read(
        R"({"interfaces":[{"name":"veth1"},{"name":"eth0","sandbox":"/p"},{"name":"net1","sandbox":"/p"},
            {"name":"eth0"}],
            "ips":[{"address":"fd00::2/64","interface":1},{"address":"10.0.0.9/32"},
                   {"address":"10.0.0.1/24","interface":0},{"address":"10.0.0.3/24","interface":2},
                   {"address":"10.0.0.4/24","interface":3},{"address":"10.0.0.9/32","interface":1}]})");
    REQUIRE(previous);
    CHECK(previous->addresses ==
          std::vector{IpAddress::v4(10, 0, 0, 9), *IpAddress::parse("fd00::2")});
}

TEST_CASE("a result without addresses is fine") {
    for (const auto* text : {"{}", R"({"ips":null})", R"({"ips":[]})"}) {
        const auto previous = read(text);
        REQUIRE(previous);
        CHECK(previous->addresses.empty());
    }
}

TEST_CASE("a result that cannot be read is refused") {
    for (const auto* text :
         {R"([])", R"({"cniVersion":"0.2.0"})", R"({"cniVersion":1})", R"({"ips":{}})",
          R"({"interfaces":7})", R"({"ips":[7]})", R"({"ips":[{}]})", R"({"ips":[{"address":7}]})",
          R"({"ips":[{"address":"10.0.0.256/8"}]})", R"({"ips":[{"address":"10.0.0.1/33"}]})",
          R"({"ips":[{"address":"10.0.0.1/"}]})",
          R"({"ips":[{"address":"10.0.0.1/8","interface":0}]})",
          R"({"interfaces":[{}],"ips":[{"address":"10.0.0.1/8","interface":-1}]})",
          R"({"interfaces":[{}],"ips":[{"address":"10.0.0.1/8","interface":1}]})",
          R"({"interfaces":[{}],"ips":[{"address":"10.0.0.1/8","interface":"0"}]})"}) {
        CAPTURE(text);
        const auto previous = read(text);
        REQUIRE(!previous);
        CHECK(previous.error().code == cni::Code::invalid_config);
        CHECK(previous.error().message.starts_with("prevResult"));
    }
}

TEST_CASE("text that is no JSON, or hostile JSON, is a decoding failure") {
    const std::string deep(200'000, '[');
    for (const auto& text :
         {std::string(), std::string("{"), std::string("{}x"), std::string("\xff"), deep,
          deep + std::string(200'000, ']'), std::string(2 << 20, ' ')}) {
        const auto parsed = cni::parse_json(text, "input");
        REQUIRE(!parsed);
        CHECK(parsed.error().code == cni::Code::decoding_failure);
        CHECK(parsed.error().message.starts_with("input is "));
    }
    CHECK(cni::parse_json(
        R"({"brackets in text are not nesting":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})",
        "input"));
}
