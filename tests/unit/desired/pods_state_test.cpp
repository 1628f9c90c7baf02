#include <algorithm>

#include <doctest/doctest.h>

#include "tests/unit/desired/facts.hpp"
#include "tests/unit/desired/lines.hpp"

namespace ambient::desired {
namespace {

const Datapath kDatapath;

// What of `all` belongs to one pod, chosen by its addresses.
model::NetnsState part_of(model::NetnsState all, const std::vector<IpAddress>& addresses) {
    const auto is_other = [&](const IpAddress& address) {
        return std::ranges::find(addresses, address) == addresses.end();
    };
    all.links.clear();
    all.addresses.clear();
    all.rules.clear();
    std::erase_if(all.routes, [&](const auto& r) { return is_other(r.destination.address()); });
    all.sysctls.clear();
    for (auto& table : all.tables) {
        table.chains.clear();
        for (auto& set : table.sets) {
            std::erase_if(set.elements,
                          [&](const auto& e) { return is_other(std::get<IpAddress>(e.key)); });
        }
    }
    return all;
}

TEST_CASE("a pod's part is what the whole state has for it") {
    const NodeFacts facts = dual_stack_facts();
    std::vector<EnrolledAddress> pod;
    std::ranges::copy_if(facts.pods, std::back_inserter(pod),
                         [](const auto& p) { return p.comment == "uid-sleep"; });
    CHECK(pods_state(kDatapath, facts, pod) ==
          part_of(node_state(kDatapath, facts), {ip("10.244.1.11"), ip("fd00:10:244:1::11")}));
}

TEST_CASE("a pod's part: one route and one element an address") {
    const auto state =
        pods_state(kDatapath, ipv4_facts(), {{ip("10.244.1.99"), "uid/c0ffee/eth0"}});
    CHECK(
        route_lines(state) ==
        Lines{"ip route replace 10.244.1.99 via 192.168.126.2 dev istioin src 10.244.1.1 table 100 "
              "proto 122 scope global"});
    CHECK(set_lines(state, "pods4") == Lines{R"(10.244.1.99 comment "uid/c0ffee/eth0")"});
    CHECK(sysctl_lines(state) == Lines{});
    CHECK(chain_names(state) == Lines{});
}

TEST_CASE("the scope covers addresses that are no longer wanted") {
    const std::vector<IpAddress> addresses = {ip("10.244.1.99"), ip("10.244.1.11")};
    CHECK(pods_scope(kDatapath, addresses) ==
          model::Scope{.protocol = 122,
                       .routes = {{.table = 100,
                                   .destinations = {{Prefix::host(ip("10.244.1.11")),
                                                     Prefix::host(ip("10.244.1.99"))}}}},
                       .filter = {{.table = {.name = "ambient"},
                                   .chains = false,
                                   .keys = {{ip("10.244.1.11"), ip("10.244.1.99")}}}}});
}

}  // namespace
}  // namespace ambient::desired
