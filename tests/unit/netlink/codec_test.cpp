// Recorded answers of a kernel, decoded; and what we encode, decoded again. That the kernel
// understands what we encode is for tests/kernel to show.
#include <doctest/doctest.h>

#include "common/netlink/address_codec.hpp"
#include "common/netlink/link_codec.hpp"
#include "common/netlink/nsid_codec.hpp"
#include "common/netlink/route_codec.hpp"
#include "common/netlink/rule_codec.hpp"
#include "tests/kernel/values.hpp"
#include "tests/unit/netlink/recorded.hpp"

namespace ambient::test {
namespace {

using namespace netlink;

// What `decode` makes of each message of a datagram.
template <class Decode>
auto decode_all(std::string_view hex, Decode decode) {
    const auto bytes = from_hex(hex);
    std::vector<decltype(decode(*Messages(bytes).begin()))> decoded;
    for (const nlmsghdr& message : Messages(bytes)) {
        if (message.nlmsg_type != NLMSG_DONE) decoded.push_back(decode(message));
    }
    return decoded;
}

// Decoding whatever is left of a message must not read past it (the sanitizers watch), and may only
// fail.
template <class Decode>
void cut_everywhere(std::string_view hex, Decode decode) {
    const auto whole = from_hex(hex);
    for (std::size_t size = NLMSG_HDRLEN; size <= whole.size(); ++size) {
        std::vector<std::byte> bytes(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
        auto& header = *reinterpret_cast<nlmsghdr*>(bytes.data());
        header.nlmsg_len = static_cast<std::uint32_t>(size);
        (void)decode(header);
    }
}

TEST_CASE("a link") {
    const LinkRecord expected{.index = kLinkIndex,
                              .link = {.name = "va",
                                       .kind = model::Veth{},
                                       .up = true,
                                       .mac = mac("02:00:00:00:00:0a"),
                                       .mtu = 1400},
                              .lower = LowerLink{.index = 2}};
    CHECK(decode_all(kLink, decode_link).at(0) == expected);
}

TEST_CASE("addresses; the kernel's link-local one is left out") {
    const auto four = decode_all(kAddress4, decode_address);
    CHECK(four.at(0).value() ==
          AddressRecord{.link_index = kLinkIndex,
                        .address = {.address = ip("192.168.126.1"), .prefix_length = 30}});
    const auto six = decode_all(kAddress6, decode_address);
    REQUIRE(six.size() == 2);
    CHECK(six[0].value() ==
          AddressRecord{.link_index = kLinkIndex,
                        .address = {.address = ip("fd00:126::1"), .prefix_length = 126}});
    CHECK(six[1].value() == std::nullopt);
}

TEST_CASE("routes; several nexthops are beyond the model") {
    const auto four = decode_all(kRoutes4, decode_route);
    REQUIRE(four.size() == 2);
    const RouteRecord pod{.link_index = kLinkIndex,
                          .route = {.table = 100,
                                    .destination = prefix("10.244.1.11"),
                                    .protocol = kOurs,
                                    .gateway = ip("192.168.126.2")}};
    CHECK(four[0].value() == pod);
    CHECK_FALSE(four[1].value()->route.beyond_model.empty());
    const RouteRecord six{.link_index = kLinkIndex,
                          .route = {.table = 100,
                                    .destination = prefix("fd00:10:244:1::11"),
                                    .metric = model::kIpv6DefaultMetric,
                                    .protocol = kOurs,
                                    .gateway = ip("fd00:126::2")}};
    CHECK(decode_all(kRoute6, decode_route).at(0).value() == six);
}

TEST_CASE("rules; a source prefix is beyond the model") {
    const auto rules = decode_all(kRules, decode_rule);
    REQUIRE(rules.size() == 7);
    const auto ours = [](std::uint32_t priority, Mark mark, std::uint32_t table) {
        return model::PolicyRule{
            .priority = priority, .mark = mark, .table = table, .protocol = kOurs};
    };
    CHECK(rules[0].value()->table == 255);
    CHECK_FALSE(rules[1].value()->beyond_model.empty());
    CHECK(rules[2].value() == ours(101, Mark::bits(0x100), 101));
    CHECK(rules[3].value() == ours(103, {.value = 0, .mask = 0}, 100));
    CHECK_FALSE(rules[4].value()->beyond_model.empty());
}

TEST_CASE("messages cut short") {
    cut_everywhere(kLink, decode_link);
    cut_everywhere(kAddress4, decode_address);
    cut_everywhere(kRoutes4, decode_route);
    cut_everywhere(kRoute6, decode_route);
    cut_everywhere(kRules, decode_rule);
    cut_everywhere(kLink, decode_nsid);
}

TEST_CASE("a message of another type is malformed") {
    for (const auto hex : {kLink, kAddress4, kRoutes4, kRules}) {
        const auto failures = !decode_all(hex, decode_link)[0] +
                              !decode_all(hex, decode_address)[0] +
                              !decode_all(hex, decode_route)[0] + !decode_all(hex, decode_rule)[0];
        CHECK(failures == 3);
    }
}

TEST_CASE("what we encode says what we mean: Geneve devices") {
    for (const auto* remote : {"10.244.1.10", "fd00:10:244:1::10"}) {
        const model::Link link{
            .name = "istioin",
            .kind = model::Geneve{.vni = 1000, .remote = ip(remote), .udp_port = 6081},
            .up = true,
            .mac = mac("02:00:00:00:10:00"),
            .mtu = 1450};
        CHECK(decode_link(create_link(link).header())->link == link);
    }
}

TEST_CASE("what we encode says what we mean: routes") {
    for (const model::Route& route : {model::Route{.table = 100,
                                                   .destination = prefix("10.244.1.11"),
                                                   .metric = 7,
                                                   .protocol = kOurs,
                                                   .gateway = ip("192.168.126.2"),
                                                   .source = ip("10.244.1.1")},
                                      model::Route{.table = 70000,
                                                   .destination = prefix("0.0.0.0/0"),
                                                   .type = model::RouteType::local,
                                                   .scope = model::RouteScope::host,
                                                   .protocol = kOurs},
                                      model::Route{.table = 102,
                                                   .destination = prefix("fd00::/64"),
                                                   .metric = 1024,
                                                   .protocol = kOurs,
                                                   .gateway = ip("fd00::1"),
                                                   .onlink = true}}) {
        CHECK(decode_route(put_route(5, route).header())->value() ==
              RouteRecord{.link_index = 5, .route = route});
    }
}

TEST_CASE("what we encode says what we mean: addresses and rules") {
    const model::InterfaceAddress address{.address = ip("fd00:126::1"), .prefix_length = 126};
    CHECK(decode_address(add_address(5, address).header())->value() ==
          AddressRecord{.link_index = 5, .address = address});
    const model::PolicyRule rule{.family = Family::ipv6,
                                 .priority = 20003,
                                 .mark = {.value = 0x4d3, .mask = 0xfff},
                                 .table = 100,
                                 .protocol = kOurs};
    CHECK(decode_rule(add_rule(rule).header())->value() == rule);
}

TEST_CASE("a value that does not fit makes a message incomplete") {
    CHECK(get_link("va").complete());
    CHECK(!get_link(std::string(70000, 'a')).complete());
}

}  // namespace
}  // namespace ambient::test
