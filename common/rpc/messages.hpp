// What the plugin and the agent say to each other: one JSON object a SEQPACKET datagram, request
// then reply. Both are installed together: while one of them is replaced, each refuses the other's
// version and the plugin answers "try again later".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/cni/attachment.hpp"
#include "common/model/part.hpp"
#include "common/netns/netns.hpp"

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
    std::vector<IpAddress> addresses = {};  // of prevResult
    // The pod's network namespace, when there is one: an open descriptor that goes beside the text.
    // A path could lead to another one by the time it is opened.
    std::shared_ptr<const Netns> netns = nullptr;

    bool operator==(const Request&) const = default;
};

// `parts` are what the kernel must hold for the pod, in the order in which they settle: none when
// it is not enrolled. When `error` is set nothing else counts; kind unavailable means try again
// later.
struct Reply {
    bool enrolled = false;
    std::string reason = {};
    std::vector<model::Part> parts = {};
    std::optional<Error> error = std::nullopt;

    bool operator==(const Reply&) const = default;
};

}  // namespace ambient::rpc
