#include "common/netlink/dump.hpp"

#include "common/netlink/ack.hpp"

namespace ambient::netlink {
namespace {

Error interrupted_error() {
    return Error{.kind = ErrorKind::interrupted, .doing = "dump: objects changed meanwhile"};
}

}  // namespace

Result<bool> Dump::feed(std::span<const std::byte> datagram) {
    for (const nlmsghdr& message : Messages(datagram)) {
        if (message.nlmsg_seq != sequence_) continue;
        if ((message.nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;
        if (const auto ack = read_ack(message)) {
            if (ack->errno_value != 0) {
                auto error = errno_error(ack->errno_value, "dump");
                error.kernel_text = ack->kernel_text;
                return std::unexpected(std::move(error));
            }
            if (interrupted_) return std::unexpected(interrupted_error());
            return true;
        }
        const auto* start = reinterpret_cast<const std::byte*>(&message);
        bytes_.insert(bytes_.end(), start, start + message.nlmsg_len);
        bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    }
    return false;
}

}  // namespace ambient::netlink
