#include "common/rpc/attachment_comment.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace ambient::rpc {
namespace {

constexpr std::size_t kMaxUid = 36;  // a UUID as text
constexpr std::size_t kMaxContainerId =
    64;  // what containerd and CRI-O make: 32 bytes in hexadecimal

// FNV-1a: not for security, only so that two long ids rarely become one.
std::uint64_t hash(std::string_view text) {
    std::uint64_t value = 0xcbf29ce484222325;
    for (const char c : text) {
        value ^= static_cast<unsigned char>(c);
        value *= 0x100000001b3;
    }
    return value;
}

// '~' stands in no container id and in no uid, so that a shortened text never equals a whole one.
std::string fitted(std::string_view text, std::size_t limit) {
    if (text.size() <= limit && text.find('/') == std::string_view::npos) return std::string(text);
    constexpr std::size_t kHashSize = 17;
    std::string beginning(text.substr(0, limit - kHashSize));
    std::ranges::replace(beginning, '/', '_');
    return fmt::format("{}~{:016x}", beginning, hash(text));
}

}  // namespace

std::string format_comment(const ElementOwner& owner) {
    auto uid = fitted(owner.pod_uid, kMaxUid);
    if (!owner.attachment) return uid;
    return fmt::format("{}/{}/{}", uid, fitted(owner.attachment->container_id, kMaxContainerId),
                       owner.attachment->ifname);
}

ElementOwner parse_comment(std::string_view comment) {
    const auto first = comment.find('/');
    const auto second = first == std::string_view::npos ? first : comment.find('/', first + 1);
    if (second == std::string_view::npos) return {.pod_uid = std::string(comment)};
    return {.pod_uid = std::string(comment.substr(0, first)),
            .attachment = cni::Attachment{
                .container_id = std::string(comment.substr(first + 1, second - first - 1)),
                .ifname = std::string(comment.substr(second + 1))}};
}

bool same_attachment(const ElementOwner& owner, const cni::Attachment& attachment) {
    return owner.attachment && owner.attachment->ifname == attachment.ifname &&
           owner.attachment->container_id == fitted(attachment.container_id, kMaxContainerId);
}

}  // namespace ambient::rpc
