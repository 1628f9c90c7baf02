#include "common/cni/result.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

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

namespace {

// What primary CNIs answer, reduced to what tells whose an address is; names of devices are theirs.
struct Shape {
    std::string_view of;
    std::string_view interfaces;
    std::string_view ips;
    std::vector<std::string_view> addresses;
};
const std::vector<Shape> kShapes = {
    {"ptp: host's end, container's end",
     R"([{"name":"veth1"},{"name":"eth0","sandbox":"/p"}])",
     R"([{"address":"10.0.0.1/24","interface":1}])",
     {"10.0.0.1"}},
    {"bridge, flannel: bridge, host's end, container's end",
     R"([{"name":"cni0"},{"name":"veth1"},{"name":"eth0","sandbox":"/p"}])",
     R"([{"address":"10.0.0.1/24","interface":2}])",
     {"10.0.0.1"}},
    {"Calico: the host's end only, no index",
     R"([{"name":"cali1"}])",
     R"([{"address":"10.0.0.1/32"},{"address":"fd00::1/128"}])",
     {"10.0.0.1", "fd00::1"}},
    {"the host's end only, with its index",
     R"([{"name":"cali1"}])",
     R"([{"address":"10.0.0.1/32","interface":0},{"address":"fd00::1/128","interface":0}])",
     {"10.0.0.1", "fd00::1"}},
    {"the index of the host's end beside the container's",
     R"([{"name":"lxc1"},{"name":"eth0","sandbox":"/p"}])",
     R"([{"address":"10.0.0.1/32","interface":0}])",
     {"10.0.0.1"}},
    {"one family with either index",
     R"([{"name":"lxc1"},{"name":"eth0","sandbox":"/p"}])",
     R"([{"address":"10.0.0.1/32","interface":1},{"address":"fd00::1/128","interface":0}])",
     {"10.0.0.1", "fd00::1"}},
    {"Cilium: container's end only",
     R"([{"name":"eth0","sandbox":"/p"}])",
     R"([{"address":"10.0.0.1/32","interface":0}])",
     {"10.0.0.1"}},
    {"no sandbox at the container's end",
     R"([{"name":"eth0"}])",
     R"([{"address":"10.0.0.1/32","interface":0}])",
     {"10.0.0.1"}},
    {"an empty sandbox",
     R"([{"name":"eth0","sandbox":""}])",
     R"([{"address":"10.0.0.1/32","interface":0}])",
     {"10.0.0.1"}},
    {"AWS VPC CNI: host's end, container's end, a dummy that carries numbers",
     R"([{"name":"eni1"},{"name":"eth0","sandbox":"/p"},{"name":"dummy1","mac":"0","sandbox":"0"}])",
     R"([{"address":"10.0.0.1/32","interface":1}])",
     {"10.0.0.1"}},
    {"OVN-Kubernetes, dual stack",
     R"([{"name":"0a1b"},{"name":"eth0","sandbox":"/p"}])",
     R"([{"address":"10.0.0.1/24","interface":1},{"address":"fd00::1/64","interface":1}])",
     {"10.0.0.1", "fd00::1"}},
    {"macvlan, ipvlan",
     R"([{"name":"eth0","mac":"02:00:00:00:00:02","sandbox":"/p"}])",
     R"([{"address":"10.0.0.1/24","interface":0}])",
     {"10.0.0.1"}},
    {"no interfaces", "null", R"([{"address":"10.0.0.1/24"}])", {"10.0.0.1"}},
    {"no index",
     R"([{"name":"veth1"},{"name":"eth0","sandbox":"/p"}])",
     R"([{"address":"10.0.0.1/24","interface":null}])",
     {"10.0.0.1"}},
    {"several interfaces of the container, and the bridge's own address",
     R"([{"name":"cni0"},{"name":"net1","sandbox":"/p"},{"name":"eth0","sandbox":"/p"}])",
     R"([{"address":"10.0.0.254/24","interface":0},{"address":"10.9.0.1/24","interface":1},
         {"address":"10.0.0.1/24","interface":2}])",
     {"10.0.0.1"}},
};

std::string result_of(std::string_view interfaces, std::string_view ips) {
    return fmt::format(R"({{"interfaces":{},"ips":{}}})", interfaces, ips);
}

}  // namespace

TEST_CASE("the pod's addresses, in every shape that primary CNIs answer in") {
    for (const auto& shape : kShapes) {
        CAPTURE(shape.of);
        std::vector<IpAddress> addresses;
        for (const auto text : shape.addresses)
            addresses.push_back(*IpAddress::parse(text));
        const auto previous = read(result_of(shape.interfaces, shape.ips));
        REQUIRE(previous);
        CHECK(previous->addresses == addresses);
        CHECK(!previous->doubt);
    }
}

TEST_CASE("what leaves open whose an address is, is a doubt that names the entry and why") {
    struct Case {
        std::string_view interfaces;
        std::string_view ips;
        std::string_view doubt;
    };
    const std::string_view kOne = R"([{"name":"eth0","sandbox":"/p"}])";
    const std::vector<Case> cases = {
        {kOne, "null", "prevResult.ips has no entry"},
        {kOne, "[]", "prevResult.ips has no entry"},
        {kOne, "[7]", "prevResult.ips[0], 7: it has no text \"address\""},
        {kOne, R"([{"address":"10.0.0.1/8"},{}])", "prevResult.ips[1], {}: it has no text"},
        {kOne, R"([{"address":7}])", "prevResult.ips[0], {\"address\":7}: it has no text"},
        {kOne, R"([{"address":"10.0.0.256/8"}])", "is no IP address"},
        {kOne, R"([{"address":"10.0.0.1/33"}])", "is no IP address"},
        {kOne, R"([{"address":"10.0.0.1/"}])", "is no IP address"},
        {kOne, R"([{"address":"10.0.0.1/8","interface":-1}])", "no index into"},
        {kOne, R"([{"address":"10.0.0.1/8","interface":1}])", "no index into"},
        {kOne, R"([{"address":"10.0.0.1/8","interface":"0"}])", "no index into"},
        {kOne, R"([{"address":"10.0.0.1/8","interface":0.5}])", "no index into"},
        {"null", R"([{"address":"10.0.0.1/8","interface":0}])", "no index into"},
        {"[7]", R"([{"address":"10.0.0.1/8","interface":0}])", "is not an object"},
        {R"([{"name":"net1","sandbox":"/p"}])", R"([{"address":"10.0.0.1/8","interface":0}])",
         "it is of interface \"net1\", and no other is of \"eth0\""},
        {R"([{"sandbox":"/p"}])", R"([{"address":"10.0.0.1/8","interface":0}])",
         "it is of interface \"\""},
    };
    for (const auto& [interfaces, ips, doubt] : cases) {
        const auto text = result_of(interfaces, ips);
        CAPTURE(text);
        for (const auto asked : {Version::v0_3_0, Version::v1_1_0}) {
            const auto previous = read(text, asked);
            REQUIRE(previous);
            REQUIRE(previous->doubt);
            CHECK_MESSAGE(previous->doubt->contains(doubt), *previous->doubt);
        }
    }
}

TEST_CASE("a result that cannot be read as a whole is refused") {
    for (const auto* text : {R"([])", R"({"cniVersion":"0.2.0"})", R"({"cniVersion":1})",
                             R"({"ips":{}})", R"({"interfaces":7})"}) {
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
        CHECK(!parsed.error().details.contains("json.exception"));
    }
    CHECK(cni::parse_json(
        R"({"brackets in text are not nesting":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})",
        "input"));
}
