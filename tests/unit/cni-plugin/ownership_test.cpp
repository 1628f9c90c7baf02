#include "cni-plugin/ownership.hpp"

#include <doctest/doctest.h>

using namespace ambient;
using plugin::addresses_of;
using plugin::stale_elements;

namespace {

const IpAddress kPod = IpAddress::v4(10, 244, 1, 11);
const IpAddress kOther = IpAddress::v4(10, 244, 1, 12);
const IpAddress kPod6 = *IpAddress::parse("fd00::11");
const cni::DatapathNames kNames;
const cni::Attachment kAttachment = {.container_id = "c1", .ifname = "eth0"};
const std::string kUid = "8a1c";

model::NetnsState with_elements(std::vector<model::SetElement> four,
                                std::vector<model::SetElement> six = {}) {
    model::NetnsState state;
    state.tables = {
        {.id = {.name = "ambient"},
         .sets =
             {{.name = "pods4", .type = model::SetType::ipv4_address, .elements = std::move(four)},
              {.name = "pods6", .type = model::SetType::ipv6_address, .elements = std::move(six)}},
         .chains = {}}};
    return state;
}

model::Route route_to(const IpAddress& address) {
    return {.table = kNames.route_table,
            .destination = Prefix::host(address),
            .protocol = kNames.protocol,
            .link = "istioin",
            .gateway = IpAddress::v4(192, 168, 126, 2)};
}

using Addresses = std::vector<IpAddress>;

}  // namespace

TEST_CASE("an attachment has the addresses whose comment names it, in both families") {
    const auto found = with_elements(
        {{.key = kPod, .comment = "8a1c/c1/eth0"}, {.key = kOther, .comment = "x/c2/eth0"}},
        {{.key = kPod6, .comment = "8a1c/c1/eth0"}});
    CHECK(addresses_of(found, kNames, kAttachment, kUid, {}) == Addresses{kPod, kPod6});
    CHECK(addresses_of(found, kNames, {.container_id = "c1", .ifname = "net1"}, kUid, {}).empty());
    CHECK(addresses_of(found, kNames, {.container_id = "c", .ifname = "eth0"}, kUid, {}).empty());
}

TEST_CASE("an address of prevResult is listed once") {
    const auto found = with_elements({{.key = kPod, .comment = "8a1c/c1/eth0"}});
    CHECK(addresses_of(found, kNames, kAttachment, kUid, {kPod}) == Addresses{kPod});
}

TEST_CASE("an element without an attachment goes with its pod, unless it is another pod's") {
    const auto owned_by = [](std::string comment) {
        return addresses_of(with_elements({{.key = kPod, .comment = std::move(comment)}}), kNames,
                            kAttachment, kUid, {kPod});
    };
    CHECK(owned_by("8a1c") == Addresses{kPod});
    CHECK(owned_by("") == Addresses{kPod});
    CHECK(owned_by("other").empty());
    CHECK(owned_by("8a1c/c2/eth0").empty());
    const auto of_unknown_pod = with_elements({{.key = kPod, .comment = "other"}});
    CHECK(addresses_of(of_unknown_pod, kNames, kAttachment, "", {kPod}) == Addresses{kPod});
    CHECK(addresses_of(of_unknown_pod, kNames, kAttachment, "", {}).empty());
}

TEST_CASE(
    "a route without an element is a leftover only when it is ours and leads into the tunnel") {
    const auto leftover = [](model::Route route) {
        auto found = with_elements({});
        found.routes = {std::move(route)};
        return !addresses_of(found, kNames, kAttachment, kUid, {kPod}).empty();
    };
    CHECK(leftover(route_to(kPod)));
    CHECK(!leftover(route_to(kOther)));
    auto route = route_to(kPod);
    route.protocol = 3;
    CHECK(!leftover(route));
    route = route_to(kPod);
    route.table = 101;
    CHECK(!leftover(route));
    route = route_to(kPod);
    route.gateway.reset();  // the ztunnel's own
    CHECK(!leftover(route));
}

TEST_CASE("other tables and sets are not looked at") {
    auto found = with_elements({{.key = kPod, .comment = "8a1c/c1/eth0"}});
    auto names = kNames;
    names.sets = {"others"};
    CHECK(addresses_of(found, names, kAttachment, kUid, {}).empty());
    names = kNames;
    names.filter_table = "other";
    CHECK(addresses_of(found, names, kAttachment, kUid, {}).empty());
}

TEST_CASE("stale is an attachment that is not among the valid ones") {
    const auto found = with_elements(
        {{.key = kPod, .comment = "8a1c/c1/eth0"}, {.key = kOther, .comment = "only-a-pod"}},
        {{.key = kPod6, .comment = "/c2/eth0"}});
    const cni::Attachment second = {.container_id = "c2", .ifname = "eth0"};
    using All = std::vector<plugin::Stale>;
    CHECK(stale_elements(found, kNames, {kAttachment, second}).empty());
    CHECK(stale_elements(found, kNames, {kAttachment}) ==
          All{{.address = kPod6, .attachment = second}});
    CHECK(stale_elements(found, kNames, {}) == All{{.address = kPod, .attachment = kAttachment},
                                                   {.address = kPod6, .attachment = second}});
}
