// The result of the plugins before us in the chain (SPEC, "ADD Success"): it passes through, and
// tells the pod's addresses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/cni/json.hpp"
#include "common/cni/version.hpp"
#include "common/net/ip_address.hpp"

namespace ambient::cni {

// `text` is the result as JSON in the version asked for: every member as it came, in its order.
struct PreviousResult {
    std::string text;
    std::vector<IpAddress> addresses;

    bool operator==(const PreviousResult&) const = default;
};

// `addresses` are those of the interface `ifname` inside the container: an address that names
// another interface of the result is not the pod's; one that names none is. Failure invalid_config
// when the result cannot be read.
Outcome<PreviousResult> read_result(const Json& result, Version asked, std::string_view ifname);

}  // namespace ambient::cni
