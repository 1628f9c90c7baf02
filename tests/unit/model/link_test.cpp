// The table of common/model/link.hpp: which property of a link changes in place and which needs a
// new one.
#include "common/model/link.hpp"

#include <vector>

#include <doctest/doctest.h>

namespace ambient::model {
namespace {

const Geneve kTunnel = {.vni = 1000, .remote = IpAddress::v4(10, 244, 1, 10), .udp_port = 6081};

const Link kFound = {.name = "istioin",
                     .kind = kTunnel,
                     .up = true,
                     .mac = MacAddress{{2, 0, 0, 0, 0, 1}},
                     .mtu = 1450};

LinkKind tunnel(std::uint32_t vni, const char* remote, std::uint16_t port) {
    return Geneve{.vni = vni, .remote = IpAddress::parse(remote).value(), .udp_port = port};
}

struct Row {
    const char* what;
    Link wanted;
    LinkChange change;
};

TEST_CASE("how a found link becomes the wanted one") {
    const std::vector<Row> rows = {
        {"the same", kFound, LinkChange::none},
        {"no mac and mtu asked for",
         {.name = "istioin", .kind = kTunnel, .up = true},
         LinkChange::none},
        {"down", {.name = "istioin", .kind = kTunnel, .up = false}, LinkChange::in_place},
        {"another mac",
         {.name = "istioin", .kind = kTunnel, .up = true, .mac = MacAddress{{2, 0, 0, 0, 0, 2}}},
         LinkChange::in_place},
        {"another mtu",
         {.name = "istioin", .kind = kTunnel, .up = true, .mtu = 1400},
         LinkChange::in_place},
        {"another remote",
         {.name = "istioin", .kind = tunnel(1000, "10.244.1.20", 6081), .up = true},
         LinkChange::in_place},
        {"a remote of the other family",
         {.name = "istioin", .kind = tunnel(1000, "fd00::10", 6081), .up = true},
         LinkChange::replace},
        {"another VNI",
         {.name = "istioin", .kind = tunnel(1001, "10.244.1.10", 6081), .up = true},
         LinkChange::replace},
        {"another port",
         {.name = "istioin", .kind = tunnel(1000, "10.244.1.10", 6082), .up = true},
         LinkChange::replace},
        {"another VNI, and down",
         {.name = "istioin", .kind = tunnel(1001, "10.244.1.10", 6081)},
         LinkChange::replace},
        {"another kind", {.name = "istioin", .kind = Veth{}, .up = true}, LinkChange::replace},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        CHECK_EQ(change_needed(row.wanted, kFound), row.change);
    }
}

TEST_CASE("ours are the kinds that we create, but no end of a pod's pair") {
    CHECK(is_ours(kFound));
    CHECK(is_ours({.name = "a", .kind = Veth{"b"}}));
    CHECK_FALSE(is_ours({.name = "a", .kind = Veth{}}));
    CHECK_FALSE(is_ours({.name = "a", .kind = OtherLink{"bridge"}}));
}

TEST_CASE("a veth's peer is not looked at: an observed one may live elsewhere") {
    const Link wanted{.name = "a", .kind = Veth{"b"}};
    const Link found{.name = "a", .kind = Veth{""}};
    CHECK_EQ(change_needed(wanted, found), LinkChange::none);
}

}  // namespace
}  // namespace ambient::model
