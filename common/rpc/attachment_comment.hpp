// The comment of a set element says for whom it stands, so that the kernel remembers attachments
// when nobody else does. Pure.
//   "<pod uid>"                            a pod that the agent knows from its source only
//   "<pod uid>/<container id>/<ifname>"    an attachment that the plugin made; the uid may be empty
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/cni/attachment.hpp"

namespace ambient::rpc {

struct ElementOwner {
    std::string pod_uid;
    std::optional<cni::Attachment> attachment = std::nullopt;

    bool operator==(const ElementOwner&) const = default;
};

// At most model::kMaxComment bytes. A uid of over 36 bytes, a container id of over 64, or one with
// a '/', is shortened to its beginning and a hash: compare owners with same_attachment(), or with
// what parse_comment(format_comment()) gives.
std::string format_comment(const ElementOwner& owner);

// Any text is a comment of somebody: one without two slashes is a pod uid alone.
ElementOwner parse_comment(std::string_view comment);

// Whether `owner`, read from a comment, stands for this attachment.
bool same_attachment(const ElementOwner& owner, const cni::Attachment& attachment);

}  // namespace ambient::rpc
