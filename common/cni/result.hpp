// The result of the plugins before us in the chain (SPEC, "ADD Success"): it passes through, and
// tells the pod's addresses.
#pragma once

#include <optional>
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
    // What stands in the way of saying that these are all: one clear sentence. A pod that must be
    // captured must not start with it; any other may.
    std::optional<std::string> doubt = std::nullopt;

    bool operator==(const PreviousResult&) const = default;
};

// `addresses` are those of the interface `ifname` inside the container, going by all that the
// specification allows ("ips": `interface` is optional; "interfaces": `sandbox` is empty or absent
// on the host):
//   - an entry without an interface is the pod's;
//   - so is one whose interface has that name and a sandbox;
//   - where neither tells an address of a family, so is one whose interface has no sandbox: plugins
//     leave it out, or list the host's end of the pod's veth only.
// An entry that is none of these, and no address at all, is a doubt. Failure invalid_config when
// the result as a whole cannot be read.
Outcome<PreviousResult> read_result(const Json& result, Version asked, std::string_view ifname);

}  // namespace ambient::cni
