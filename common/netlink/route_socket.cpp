#include "common/netlink/route_socket.hpp"

#include "common/netlink/ack.hpp"

namespace ambient::netlink {
namespace {

Error refusal(const Ack& ack) {
    auto error = errno_error(ack.errno_value, "ask the kernel");
    error.kernel_text = ack.kernel_text;
    return error;
}

}  // namespace

Reply::Reply(const nlmsghdr& message) {
    const auto* start = reinterpret_cast<const std::byte*>(&message);
    bytes_.assign(start, start + message.nlmsg_len);
}

Result<RouteSocket> RouteSocket::open(const Netns& netns) {
    return RouteSocket(TRY(NetlinkSocket::open(netns, NETLINK_ROUTE)));
}

Result<void> RouteSocket::send(Message& request, int flags) {
    if (!request.complete())
        return std::unexpected(invalid_input("a name or value is too long for the kernel"));
    auto& header = request.header();
    header.nlmsg_flags = static_cast<std::uint16_t>(header.nlmsg_flags | flags);
    header.nlmsg_seq = socket_.next_sequence();
    return socket_.send(request.bytes());
}

Result<void> RouteSocket::execute(Message& request) {
    TRY(send(request, NLM_F_ACK));
    while (true) {
        const auto datagram = TRY(socket_.receive());
        for (const nlmsghdr& message : Messages(datagram)) {
            if (message.nlmsg_seq != request.header().nlmsg_seq) continue;
            if (const auto ack = read_ack(message)) {
                if (ack->errno_value != 0) return std::unexpected(refusal(*ack));
                return {};
            }
        }
    }
}

Result<Reply> RouteSocket::query(Message& request) {
    TRY(send(request, 0));
    while (true) {
        const auto datagram = TRY(socket_.receive());
        for (const nlmsghdr& message : Messages(datagram)) {
            if (message.nlmsg_seq != request.header().nlmsg_seq) continue;
            if (const auto ack = read_ack(message)) return std::unexpected(refusal(*ack));
            return Reply(message);
        }
    }
}

Result<Dump> RouteSocket::dump(Message& request) {
    return retry_interrupted([&] { return dump_once(request); });
}

Result<Dump> RouteSocket::dump_once(Message& request) {
    TRY(send(request, NLM_F_DUMP));
    Dump dump(request.header().nlmsg_seq);
    while (true) {
        const auto datagram = socket_.receive();
        if (!datagram) {
            if (datagram.error().kind != ErrorKind::interrupted)
                return std::unexpected(datagram.error());
            dump.mark_interrupted();  // but the rest of this dump is still to come
            continue;
        }
        if (TRY(dump.feed(*datagram))) return dump;
    }
}

}  // namespace ambient::netlink
