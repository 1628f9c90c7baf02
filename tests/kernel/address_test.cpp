#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

using model::InterfaceAddress;

const InterfaceAddress kFour{.link = "va", .address = ip("192.168.126.1"), .prefix_length = 30};
const InterfaceAddress kSix{.link = "va", .address = ip("fd00:126::1"), .prefix_length = 126};

struct AddressSandbox : Sandbox {
    AddressSandbox() {
        must_run("ip link add va type veth peer name vb");
        must_run("ip link set vb up");
        must_run("ip link set va up");
    }
    std::vector<InterfaceAddress> addresses() {
        return observe({.links = {"nothere", "va"}}).addresses;
    }
};

TEST_CASE_FIXTURE(AddressSandbox,
                  "addresses of both families are added and read back, link-local ones left out") {
    apply({plan::AddAddress{kFour}, plan::AddAddress{kSix}});
    CHECK(addresses() == std::vector{kFour, kSix});
    const auto said = ip_json("addr show dev va")[0]["addr_info"];
    REQUIRE(said.size() == 3);  // and fe80::
    CHECK(said[0]["local"] == "192.168.126.1");
    CHECK(said[0]["prefixlen"] == 30);
    CHECK(said[0]["scope"] == "global");
    CHECK(said[1]["local"] == "fd00:126::1");
    CHECK(said[1]["nodad"] == true);
    CHECK(!said[1].contains("tentative"));
}

TEST_CASE_FIXTURE(AddressSandbox, "only addresses of the scope's links are observed") {
    must_run("ip addr add 10.9.9.9/24 dev vb");
    apply({plan::AddAddress{kFour}});
    CHECK(addresses() == std::vector{kFour});
}

TEST_CASE_FIXTURE(AddressSandbox,
                  "the same IPv4 address with two prefix lengths is two addresses") {
    auto wider = kFour;
    wider.prefix_length = 24;
    apply({plan::AddAddress{kFour}, plan::AddAddress{wider}});
    CHECK(addresses() == std::vector{wider, kFour});
    apply({plan::DeleteAddress{wider}});
    CHECK(addresses() == std::vector{kFour});
}

TEST_CASE_FIXTURE(AddressSandbox, "deleting an address twice, or with its link gone, is success") {
    apply({plan::AddAddress{kFour}, plan::AddAddress{kSix}, plan::DeleteAddress{kFour},
           plan::DeleteAddress{kSix}, plan::DeleteAddress{kFour}, plan::DeleteAddress{kSix}});
    CHECK(addresses().empty());
    must_run("ip link del va");
    apply({plan::DeleteAddress{kFour}});
}

TEST_CASE_FIXTURE(AddressSandbox,
                  "an address that is there already is refused, one for a missing link too") {
    apply({plan::AddAddress{kFour}});
    CHECK(refused(plan::AddAddress{kFour}).kind == ErrorKind::already_exists);
    auto lost = kFour;
    lost.link = "nothere";
    CHECK(refused(plan::AddAddress{lost}).kind == ErrorKind::not_found);
}

}  // namespace
}  // namespace ambient::test
