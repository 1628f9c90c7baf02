#include "common/netlink/ack.hpp"

#include <cstring>
#include <string_view>

#include <netlink/attr.h>

namespace ambient::netlink {
namespace {

// The text among the attributes that follow `offset` bytes of payload
// (include/uapi/linux/netlink.h, enum nlmsgerr_attrs).
std::string extended_text(const nlmsghdr& message, std::size_t offset) {
    const std::size_t length = message.nlmsg_len - NLMSG_HDRLEN;
    if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0 || offset >= length) return {};
    auto* head = reinterpret_cast<nlattr*>(static_cast<char*>(NLMSG_DATA(&message)) + offset);
    const auto* text = nla_find(head, static_cast<int>(length - offset), NLMSGERR_ATTR_MSG);
    if (text == nullptr) return {};
    const std::string_view bytes(static_cast<const char*>(nla_data(text)),
                                 static_cast<std::size_t>(nla_len(text)));
    return std::string(bytes.substr(0, bytes.find('\0')));
}

}  // namespace

std::optional<Ack> read_ack(const nlmsghdr& message) {
    if (message.nlmsg_type != NLMSG_ERROR && message.nlmsg_type != NLMSG_DONE) return std::nullopt;
    int code = 0;
    if (message.nlmsg_len >= NLMSG_LENGTH(sizeof code))
        std::memcpy(&code, NLMSG_DATA(&message), sizeof code);
    std::size_t offset = sizeof code;
    if (message.nlmsg_type == NLMSG_ERROR) {
        if (message.nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return Ack{.errno_value = -code};
        // The request comes back whole unless the kernel capped it (NETLINK_CAP_ACK).
        nlmsgerr error{};
        std::memcpy(&error, NLMSG_DATA(&message), sizeof error);
        offset = sizeof error;
        if ((message.nlmsg_flags & NLM_F_CAPPED) == 0)
            offset += NLMSG_ALIGN(error.msg.nlmsg_len - NLMSG_HDRLEN);
    }
    return Ack{.errno_value = -code, .kernel_text = extended_text(message, offset)};
}

}  // namespace ambient::netlink
