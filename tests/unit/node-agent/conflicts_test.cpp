#include "node-agent/datapath/conflicts.hpp"

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

const IpAddress kPod = IpAddress::v4(10, 244, 1, 11);
const IpAddress kZtunnel = IpAddress::v4(10, 244, 1, 10);

plan::Conflict route(std::uint32_t table, const Prefix& destination) {
    return {model::Route{.table = table, .destination = destination, .protocol = 4, .link = "a"}};
}

bool is_pods(const IpAddress& address) { return address == kPod; }

TEST_CASE("a foreign host route of a pod is that pod's") {
    const auto conflict = route(100, Prefix::host(kPod));
    const auto weighed = weigh({conflict}, 100, is_pods);
    REQUIRE_EQ(weighed.of_pods.size(), 1);
    CHECK(weighed.of_pods.at(kPod) == conflict);
    CHECK(weighed.beside.empty());
    CHECK(weighed.in_the_way.empty());
}

TEST_CASE("a rule stands beside ours") {
    const plan::Conflict rule{model::PolicyRule{.priority = 101}};
    const auto weighed = weigh({rule}, 100, is_pods);
    CHECK(weighed.beside == std::vector{rule});
    CHECK(weighed.in_the_way.empty());
}

TEST_CASE("what all pods need is in the way of all") {
    const std::vector<plan::Conflict> conflicts = {
        {model::Link{.name = "istioin", .kind = model::OtherLink{"bridge"}}},
        route(100, Prefix::host(kZtunnel)),
        route(101, Prefix::host(kPod)),
        route(101, *Prefix::parse("0.0.0.0/0")),
    };
    CHECK(weigh(conflicts, 100, is_pods).in_the_way == conflicts);
}

}  // namespace
}  // namespace ambient::agent
