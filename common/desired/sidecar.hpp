// Sidecar pods: whose traffic is redirected to the proxy in the pod itself, with which parameters,
// and what the pod's network namespace must hold for that. Pure. docs/sidecar.md has the table; the
// source of its facts is Istio's plugin (cni/pkg/plugin) and rules
// (tools/istio-iptables/pkg/capture).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/desired/config.hpp"
#include "common/kube/objects.hpp"
#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"

namespace ambient::desired {

// Whether a pod's network namespace gets rules; `reason` says in a few words why, or why not.
// `defaults` are the annotations of its Kubernetes namespace, for what the pod does not say itself;
// here and below.
struct SidecarDecision {
    bool redirect = false;
    std::string reason;

    bool operator==(const SidecarDecision&) const = default;
};
SidecarDecision sidecar_of(const Policy& policy, const kube::Pod& pod,
                           const kube::Labels& defaults);

// A label, "true" on a pod that started without its rules, as Istio's repair names it
// (cni/pkg/repair; chart value cni.repair.brokenPodLabelKey).
inline constexpr const char* kUninitialized = "cni.istio.io/uninitialized";

// [first, last]
struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;

    auto operator<=>(const PortRange&) const = default;
};

// Sorted; ranges that touch are one. `all` says every port, or every address, and leaves the list
// empty.
struct Ports {
    bool all = false;
    std::vector<PortRange> ranges = {};

    bool operator==(const Ports&) const = default;
};
struct Networks {
    bool all = false;
    std::vector<Prefix> prefixes = {};

    bool operator==(const Networks&) const = default;
};
struct OwnerGroups {
    bool all = true;
    std::vector<std::uint32_t> groups =
        {};  // those that are captured, or with `all` those that are not

    bool operator==(const OwnerGroups&) const = default;
};

enum class Interception : std::uint8_t { redirect, tproxy };

struct SidecarParameters {
    Interception mode = Interception::redirect;
    Networks outbound = {.all = true};
    std::vector<Prefix> outbound_not = {};
    Ports inbound = {.all = true};
    std::vector<PortRange> inbound_not = {};
    Ports outbound_always =
        {};  // also to excluded networks' complement: before `outbound` is asked
    std::vector<PortRange> outbound_never = {};
    std::vector<std::string> virtual_interfaces = {};  // what enters there is outbound traffic
    std::vector<std::string> excluded_interfaces = {};
    std::vector<std::uint32_t> users = {};   // the proxy's
    std::vector<std::uint32_t> groups = {};  // the proxy's
    OwnerGroups owners = {};
    Prefix loopback = Prefix::host(IpAddress::v4(127, 0, 0, 1));  // never captured, IPv4
    bool dns = false;
    bool drop_invalid = false;

    bool operator==(const SidecarParameters&) const = default;
};

// From the pod's annotations, its namespace's for what the pod does not say, and the proxy's
// environment. Error invalid_input, one sentence that names annotation or variable, item and
// reason.
Result<SidecarParameters> sidecar_parameters(const kube::Pod& pod, const kube::Labels& defaults);

// For people: one a line, in the words of docs/sidecar.md.
std::string to_string(const SidecarParameters& parameters);

// The pod's own namespace. `ipv6`: whether its lo has IPv6 (not disabled there). The filter speaks
// of both families all the same.
model::NetnsState sidecar_state(const SidecarNumbers& numbers, std::uint8_t protocol,
                                const SidecarParameters& parameters, bool ipv6 = true);
model::Scope sidecar_scope(const SidecarNumbers& numbers, std::uint8_t protocol);

}  // namespace ambient::desired
