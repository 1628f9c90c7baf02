// Which addresses in the kernel belong to which attachment: read from what the kernel itself
// remembers. Pure.
#pragma once

#include <vector>

#include "common/cni/config.hpp"
#include "common/model/netns_state.hpp"

namespace ambient::plugin {

// The addresses that go when this attachment goes:
//   - those whose element says that it stands for this attachment;
//   - those of prevResult whose element names no attachment, unless it names another pod, which may
//     have been given the address since;
//   - those of prevResult without an element that still have a route of ours into the tunnel (one
//     with a gateway; the ztunnel's own route has none).
std::vector<IpAddress> addresses_of(const model::NetnsState& found, const cni::DatapathNames& names,
                                    const cni::Attachment& attachment, const std::string& pod_uid,
                                    const std::vector<IpAddress>& previous);

// An element that stands for an attachment which the runtime does not know any more.
struct Stale {
    IpAddress address;
    cni::Attachment attachment;

    bool operator==(const Stale&) const = default;
};
std::vector<Stale> stale_elements(const model::NetnsState& found, const cni::DatapathNames& names,
                                  const std::vector<cni::Attachment>& valid);

}  // namespace ambient::plugin
