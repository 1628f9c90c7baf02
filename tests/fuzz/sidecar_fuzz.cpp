// Whatever a pod's annotations and its proxy's environment say: parameters, or one sentence that
// says what is wrong with which of them.
#include <algorithm>
#include <array>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "common/desired/sidecar.hpp"
#include "common/desired/sidecar_names.hpp"
#include "tests/fuzz/mutate.hpp"

using namespace ambient;

namespace {

namespace names = desired::sidecar;

constexpr std::size_t kLongest = 256;  // a sentence, for an Event and for the runtime's log

using Samples = std::array<std::string_view, 3>;
constexpr Samples kPorts = {"80, 8000-8100 ,65535", "*", ""};
constexpr Samples kNetworks = {"10.96.0.0/12, fd00::/8", "*", "127.0.0.1/32"};
constexpr Samples kInterfaces = {"virt0, net_1.2-3", "eth0", ""};
constexpr Samples kModes = {"REDIRECT", "TPROXY", "NONE"};
constexpr Samples kFlags = {"true", "False", "0"};
constexpr Samples kGroups = {"101,202", "*", "4294967295"};
constexpr Samples kLoopbacks = {"127.0.0.0/8", "127.0.0.1/32", ""};

const std::map<std::string, Samples> kAnnotations = {
    {names::kMode, kModes},
    {names::kIncludeOutbound, kNetworks},
    {names::kExcludeOutbound, kNetworks},
    {names::kIncludeInboundPorts, kPorts},
    {names::kExcludeInboundPorts, kPorts},
    {names::kIncludeOutboundPorts, kPorts},
    {names::kExcludeOutboundPorts, kPorts},
    {names::kVirtualInterfaces, kInterfaces},
    {names::kKubevirtInterfaces, kInterfaces},
    {names::kExcludeInterfaces, kInterfaces},
};
const std::map<std::string, Samples> kVariables = {
    {names::kDnsCapture, kFlags},   {names::kInvalidDrop, kFlags},
    {names::kOwnerGroups, kGroups}, {names::kOwnerGroupsNot, kGroups},
    {names::kLoopback, kLoopbacks},
};

void check_ranges(const std::vector<desired::PortRange>& ranges) {
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        REQUIRE(ranges[i].first <= ranges[i].last);
        if (i > 0) REQUIRE(ranges[i - 1].last + 1 < ranges[i].first);
    }
}

void check_read(const desired::SidecarParameters& read) {
    for (const auto* ranges : {&read.inbound.ranges, &read.inbound_not,
                               &read.outbound_always.ranges, &read.outbound_never}) {
        check_ranges(*ranges);
    }
    const auto state = desired::sidecar_state(desired::SidecarNumbers{}, 122, read);
    REQUIRE(state.tables.size() == 1);
}

void check_refused(const std::string& name, const Error& error) {
    const auto text = describe(error);
    CAPTURE(text);
    REQUIRE(error.kind == ErrorKind::invalid_input);
    REQUIRE(text.contains(name));
    REQUIRE(text.size() < kLongest);
    // Printable: it goes into logs and JSON.
    REQUIRE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }));
}

template <class Put>
void read_or_refuse(const std::map<std::string, Samples>& fields, Put put) {
    for (const auto& [name, samples] : fields) {
        CAPTURE(name);
        int read = 0;
        int refused = 0;
        fuzz::each_variant(samples, [&](const std::string& text) {
            kube::Pod pod{.proxy = kube::ProxyContainer{}};
            put(pod)[name] = text;
            const auto parameters = desired::sidecar_parameters(pod, {});
            ++(parameters ? read : refused);
            if (parameters) {
                check_read(*parameters);
            } else {
                check_refused(name, parameters.error());
            }
        });
        CHECK(read > 10);  // the generator reaches both sides
        CHECK(refused > 10);
    }
}

}  // namespace

TEST_CASE("any annotation is read or refused") {
    read_or_refuse(kAnnotations, [](kube::Pod& pod) -> kube::Labels& { return pod.annotations; });
}

TEST_CASE("any variable is read or refused") {
    read_or_refuse(kVariables, [](kube::Pod& pod) -> kube::Labels& { return pod.proxy->env; });
}
