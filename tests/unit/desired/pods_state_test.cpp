#include <algorithm>

#include <doctest/doctest.h>

#include "tests/unit/desired/facts.hpp"
#include "tests/unit/desired/lines.hpp"

namespace ambient::desired {
namespace {

const Datapath kDatapath;

// What of `all` belongs to one pod, chosen by its addresses and its device.
model::NetnsState part_of(model::NetnsState all, const std::vector<IpAddress>& addresses,
                          const std::string& host_link) {
    const auto is_other = [&](const IpAddress& address) {
        return std::ranges::find(addresses, address) == addresses.end();
    };
    all.links.clear();
    all.addresses.clear();
    all.rules.clear();
    std::erase_if(all.routes, [&](const auto& r) { return is_other(r.destination.address()); });
    std::erase_if(all.sysctls, [&](const auto& s) {
        return s.path.find("/" + host_link + "/") == std::string::npos;
    });
    for (auto& table : all.tables) {
        table.chains.clear();
        for (auto& set : table.sets) {
            std::erase_if(set.elements, [&](const auto& e) { return is_other(e.address); });
        }
    }
    return all;
}

TEST_CASE("a pod's part is what the whole state has for it") {
    const NodeFacts facts = dual_stack_facts();
    std::vector<EnrolledAddress> pod;
    std::ranges::copy_if(facts.pods, std::back_inserter(pod),
                         [](const auto& p) { return p.host_link == "veth-sleep"; });
    CHECK(pods_state(kDatapath, facts, pod) == part_of(node_state(kDatapath, facts),
                                                       {ip("10.244.1.11"), ip("fd00:10:244:1::11")},
                                                       "veth-sleep"));
}

TEST_CASE("a pod's part: one route and one element an address, one sysctl") {
    const auto state =
        pods_state(kDatapath, ipv4_facts(), {{ip("10.244.1.99"), "veth-new", "uid/c0ffee/eth0"}});
    CHECK(
        route_lines(state) ==
        Lines{"ip route replace 10.244.1.99 via 192.168.126.2 dev istioin src 10.244.1.1 table 100 "
              "proto 122 scope global"});
    CHECK(set_lines(state, "pods4") == Lines{R"(10.244.1.99 comment "uid/c0ffee/eth0")"});
    CHECK(sysctl_lines(state) == Lines{"net/ipv4/conf/veth-new/rp_filter=2"});
    CHECK(chain_names(state) == Lines{});
}

TEST_CASE("the scope covers addresses that are no longer wanted") {
    const std::vector<IpAddress> addresses = {ip("10.244.1.99"), ip("10.244.1.11")};
    const std::vector<EnrolledAddress> pods = {{ip("10.244.1.11"), "veth-sleep", ""},
                                               {ip("10.244.1.12"), "", ""},
                                               {ip("fd00:10:244:1::11"), "veth-sleep", ""}};
    CHECK(pods_scope(kDatapath, pods, addresses) ==
          model::Scope{.protocol = 122,
                       .routes = {{.table = 100,
                                   .destinations = {{Prefix::host(ip("10.244.1.11")),
                                                     Prefix::host(ip("10.244.1.99"))}}}},
                       .sysctls = {"net/ipv4/conf/veth-sleep/rp_filter"},
                       .filter = {{.table = {.name = "ambient"},
                                   .chains = false,
                                   .keys = {{ip("10.244.1.11"), ip("10.244.1.99")}}}}});
}

}  // namespace
}  // namespace ambient::desired
