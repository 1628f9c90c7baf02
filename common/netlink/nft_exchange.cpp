#include "common/netlink/nft_exchange.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "common/netlink/ack.hpp"

namespace ambient::netlink::nft {
namespace {

// A datagram must fit into the socket's send buffer as a whole (net/netlink/af_netlink.c,
// netlink_sendmsg). The usual limit, net.core.wmem_default, is 212992 bytes; the kernel doubles
// what is asked for.
constexpr std::size_t kUsualSendBuffer = 128 * 1024;

void make_room_to_send(int fd, std::size_t bytes) {
    if (bytes <= kUsualSendBuffer) return;
    const int wanted = static_cast<int>(bytes);
    // Without the capability to go beyond the system's limit, sending says EMSGSIZE: no need to ask
    // here.
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted);
}

// The kernel answers all messages of a datagram before send() returns, so that there must be room
// for all answers at once: less than 2 KiB each, with its overhead. The usual limit is the same and
// is doubled in the same way.
constexpr std::size_t kUsualAnswers = 100;

void make_room_to_receive(NetlinkSocket& socket, std::size_t messages) {
    if (messages > kUsualAnswers) socket.set_receive_buffer(static_cast<int>(messages * 1024));
}

std::uint32_t number(NetlinkSocket& socket, MessageBuffer& messages) {
    const auto first = socket.next_sequence();
    for (std::size_t more = 1; more < messages.size(); ++more)
        socket.next_sequence();
    messages.number_from(first);
    return first;
}

}  // namespace

Result<Answers> exchange(NetlinkSocket& socket, MessageBuffer& messages,
                         const std::function<void(const nlmsghdr&)>& on_message) {
    const auto first = number(socket, messages);
    make_room_to_send(socket.fd(), messages.bytes().size());
    make_room_to_receive(socket, messages.size());
    TRY(socket.send(messages.bytes()));
    Answers answers;
    for (bool complete = false; !complete;) {
        const auto datagram = TRY(socket.receive());
        for (const nlmsghdr& message : Messages(datagram)) {
            const std::size_t index = message.nlmsg_seq - first;
            if (index >= messages.size()) continue;  // a late answer to an earlier exchange
            if ((message.nlmsg_flags & NLM_F_DUMP_INTR) != 0) answers.dump_interrupted = true;
            const auto ack = read_ack(message);
            if (!ack) {
                on_message(message);
                continue;
            }
            const bool refused = ack->errno_value != 0;
            if (refused) answers.refusals.push_back({index, ack->errno_value, ack->kernel_text});
            complete = complete || messages.is_final(index, refused);
        }
    }
    std::ranges::sort(answers.refusals, {}, &Refusal::index);
    return answers;
}

}  // namespace ambient::netlink::nft
