// What the plugin and the agent say to each other: one JSON object a SEQPACKET datagram, request
// then reply.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/cni/attachment.hpp"
#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"

namespace ambient::rpc {

inline constexpr int kVersion = 2;
inline constexpr std::size_t kMaxMessage = 64 * 1024;

using cni::Attachment;

enum class Verb : std::uint8_t {
    add,    // may this pod be attached, and what must the kernel hold for it? From now on the agent
            // counts it in.
    added,  // the plugin has programmed it: the agent verifies
    del,    // gone, or never came to be
    check,  // what must the kernel hold for it?
    status,  // is the datapath ready to capture?
};

struct Request {
    Verb verb = Verb::status;
    Attachment attachment = {};
    std::string pod_namespace = {};
    std::string pod_name = {};
    std::string pod_uid = {};               // may be empty: older runtimes do not tell it
    std::string netns = {};                 // CNI_NETNS: path of the pod's network namespace
    std::vector<IpAddress> addresses = {};  // of prevResult

    bool operator==(const Request&) const = default;
};

// `wanted` and `scope` are the pod's part of the node namespace (desired::pods_state, pods_scope),
// when enrolled. When `error` is set nothing else counts; kind unavailable means try again later.
struct Reply {
    bool enrolled = false;
    std::string reason = {};
    model::NetnsState wanted = {};
    model::Scope scope = {};
    std::optional<Error> error = std::nullopt;

    bool operator==(const Reply&) const = default;
};

}  // namespace ambient::rpc
