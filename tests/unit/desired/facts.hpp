// The example of the contract: node A with its ztunnel and two enrolled pods.
#pragma once

#include <string>

#include "common/desired/state.hpp"

namespace ambient::desired {

inline IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

inline NodeFacts ipv4_facts() {
    return {.host_addresses = {ip("10.244.1.1")},
            .ztunnels = {{.host_link = "veth-zt", .addresses = {ip("10.244.1.10")}}},
            .pods = {{ip("10.244.1.12"), "uid-httpbin"}, {ip("10.244.1.11"), "uid-sleep"}},
            .dns_capture = false};
}

inline NodeFacts dual_stack_facts() {
    NodeFacts facts = ipv4_facts();
    facts.host_addresses.push_back(ip("fd00:10:244:1::1"));
    facts.ztunnels.front().addresses.push_back(ip("fd00:10:244:1::10"));
    facts.pods.push_back({ip("fd00:10:244:1::11"), "uid-sleep"});
    facts.pods.push_back({ip("fd00:10:244:1::12"), "uid-httpbin"});
    facts.dns_capture = true;
    return facts;
}

// A second ztunnel, not (or no longer) active.
inline Ztunnel second_ztunnel() {
    return {.host_link = "veth-zt2",
            .addresses = {ip("10.244.1.20"), ip("fd00:10:244:1::20")},
            .lane = 1};
}

}  // namespace ambient::desired
