#include "common/netlink/nft_exchange.hpp"

#include <algorithm>

#include "common/netlink/ack.hpp"

namespace ambient::netlink::nft {
namespace {

// The kernel answers all messages of a datagram before send() returns, so that there must be room
// for all answers at once: less than 2 KiB each, with its overhead, and the kernel doubles what is
// asked for. The usual limit, net.core.rmem_default, is 212992 bytes; where it is smaller answers
// are lost once, and there is room when the caller asks again.
constexpr std::size_t kUsualAnswers = 100;

void make_room_to_receive(NetlinkSocket& socket, std::size_t messages) {
    socket.set_receive_buffer(static_cast<int>(std::max(messages, kUsualAnswers) * 1024));
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
    if (messages.size() > kUsualAnswers) make_room_to_receive(socket, messages.size());
    TRY(socket.send(messages.bytes()));
    Answers answers;
    for (bool complete = false; !complete;) {
        const auto datagram = socket.receive();
        if (!datagram) {
            if (datagram.error().kind == ErrorKind::interrupted) {
                socket.discard_received();
                make_room_to_receive(socket, messages.size());
            }
            return std::unexpected(datagram.error());
        }
        for (const nlmsghdr& message : Messages(*datagram)) {
            const std::size_t index = message.nlmsg_seq - first;
            if (index >= messages.size()) continue;  // a late answer to an earlier exchange
            if ((message.nlmsg_flags & NLM_F_DUMP_INTR) != 0) answers.dump_interrupted = true;
            const auto ack = read_ack(message);
            if (!ack) {
                on_message(message);
                complete = complete || messages.is_final_answer(index);
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
