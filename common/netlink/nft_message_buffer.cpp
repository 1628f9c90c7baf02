#include "common/netlink/nft_message_buffer.hpp"

#include <cstring>

#include <libmnl/libmnl.h>

#include "common/netlink/nft_object_names.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

// A message that begins or ends a transaction.
constexpr std::size_t kBracket = NLMSG_SPACE(sizeof(nfgenmsg));

}  // namespace

nlmsghdr* MessageBuffer::start_message(std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                                       std::uint16_t resource, std::size_t room) {
    if (capacity_ - used_ < room) {
        // Not cleared: what is never written costs no memory.
        capacity_ = capacity_ * 2 + kMaxMessage + 2 * kBracket;
        auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity_);
        if (used_ != 0) std::memcpy(larger.get(), buffer_.get(), used_);
        buffer_ = std::move(larger);
    }
    auto* message = mnl_nlmsg_put_header(buffer_.get() + used_);
    message->nlmsg_type = type;
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    header->nfgen_family = family;
    header->version = NFNETLINK_V0;
    header->res_id = htons(resource);
    return message;
}

nlmsghdr* MessageBuffer::start(std::uint16_t message, std::uint16_t flags,
                               model::TableFamily family) {
    const auto type = static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
    return start_message(type, flags, nfproto_of(family), 0, kMaxMessage);
}

void MessageBuffer::finish(const nlmsghdr* message) {
    last_ = used_;
    used_ += NLMSG_ALIGN(message->nlmsg_len);
    ++count_;
}

void MessageBuffer::add_bracket(std::uint16_t type) {
    finish(start_message(type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, kBracket));
}

void MessageBuffer::open_transaction() {
    transaction_ = true;
    add_bracket(NFNL_MSG_BATCH_BEGIN);
}

void MessageBuffer::close_transaction() {
    // One acknowledgement is enough, since refusals come without being asked for. The closing
    // bracket gives one only from Linux 6.10 on, the message before it always.
    reinterpret_cast<nlmsghdr*>(buffer_.get() + last_)->nlmsg_flags |= NLM_F_ACK;
    add_bracket(NFNL_MSG_BATCH_END);
}

bool MessageBuffer::is_final(std::size_t index, bool refused) const {
    if (!transaction_) return index + 1 == count_;
    // A refusal of the opening bracket means the whole (net/netfilter/nfnetlink.c,
    // nfnetlink_rcv_batch: no permission, no memory, the commit itself); others may or may not
    // follow it.
    return index + 2 == count_ || (index == 0 && refused);
}

bool MessageBuffer::is_final_answer(std::size_t index) const {
    const auto flags = reinterpret_cast<const nlmsghdr*>(buffer_.get() + last_)->nlmsg_flags;
    return !transaction_ && index + 1 == count_ && (flags & (NLM_F_ACK | NLM_F_DUMP)) == 0;
}

void MessageBuffer::number_from(std::uint32_t first_sequence) {
    for (std::size_t at = 0; at < used_;) {
        auto* message = reinterpret_cast<nlmsghdr*>(buffer_.get() + at);
        message->nlmsg_seq = first_sequence++;
        at += NLMSG_ALIGN(message->nlmsg_len);
    }
}

}  // namespace ambient::netlink::nft
