#include "common/netlink/netlink_socket.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "common/netns/run_in.hpp"

namespace ambient::netlink {
namespace {

// What the kernel fills with one part of a dump at most, unless one object alone is larger
// (net/netlink/af_netlink.c, netlink_recvmsg and netlink_dump).
constexpr std::size_t kDumpPart = 32768;

Error truncated() {
    return Error{.kind = ErrorKind::interrupted,
                 .doing = "receive from the kernel: more than there was room for"};
}

Result<void> set_option(int fd, int level, int option, const void* value, socklen_t size) {
    if (::setsockopt(fd, level, option, value, size) == 0) return {};
    return std::unexpected(errno_error(errno, "set up netlink socket"));
}

Result<void> enable(int fd, int option) {
    const int on = 1;
    return set_option(fd, SOL_NETLINK, option, &on, sizeof on);
}

// Beyond the system's limit if we may (CAP_NET_ADMIN). The kernel doubles `bytes`
// (net/core/sock.c, sk_setsockopt).
void set_buffer(int fd, int forced, int limited, int bytes) {
    if (::setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0) {
        (void)::setsockopt(fd, SOL_SOCKET, limited, &bytes, sizeof bytes);
    }
}

}  // namespace

Messages::Iterator& Messages::Iterator::operator++() {
    const std::size_t size = NLMSG_ALIGN((**this).nlmsg_len);
    at_ += std::min(size, left_);
    left_ -= std::min(size, left_);
    return *this;
}

bool Messages::Iterator::operator==(std::default_sentinel_t) const {
    return left_ < sizeof(nlmsghdr) || (**this).nlmsg_len < sizeof(nlmsghdr) ||
           (**this).nlmsg_len > left_;
}

Result<NetlinkSocket> NetlinkSocket::open(const Netns& netns, int protocol) {
    auto fd = TRY(open_socket(netns, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol));
    TRY(enable(fd.get(), NETLINK_EXT_ACK));
    if (protocol == NETLINK_ROUTE) TRY(enable(fd.get(), NETLINK_GET_STRICT_CHK));
    return NetlinkSocket(std::move(fd));
}

// Sending binds, too (net/netlink/af_netlink.c, netlink_sendmsg): who only asks needs no more, and
// what is bound cannot be bound again (netlink_bind).
Result<std::uint32_t> NetlinkSocket::port_id() {
    if (port_id_ != 0) return port_id_;
    sockaddr_nl address{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const auto is_bound = [&] {
        return ::getsockname(fd_.get(), generic, &size) == 0 && address.nl_pid != 0;
    };
    if (!is_bound() && (::bind(fd_.get(), generic, size) != 0 || !is_bound()))
        return std::unexpected(errno_error(errno, "bind netlink socket"));
    return port_id_ = address.nl_pid;
}

Result<void> NetlinkSocket::send(std::span<const std::byte> datagram) {
    sockaddr_nl kernel{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
    const auto send = [&] {
        return ::sendto(fd_.get(), datagram.data(), datagram.size(), 0,
                        reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) >= 0;
    };
    if (send()) return {};
    // A datagram must fit into the send buffer as a whole (net/netlink/af_netlink.c,
    // netlink_sendmsg), whose size is at first the node's net.core.wmem_default.
    if (errno == EMSGSIZE) {
        set_buffer(fd_.get(), SO_SNDBUFFORCE, SO_SNDBUF, static_cast<int>(datagram.size()));
        if (send()) return {};
    }
    return std::unexpected(errno_error(errno, "send to the kernel"));
}

Result<std::span<const std::byte>> NetlinkSocket::receive() {
    if (!buffer_) make_room(kDumpPart);
    while (true) {
        sockaddr_nl sender{};
        socklen_t sender_size = sizeof sender;
        const auto got = ::recvfrom(fd_.get(), buffer_.get(), capacity_, MSG_TRUNC,
                                    reinterpret_cast<sockaddr*>(&sender), &sender_size);
        if (got < 0) {
            if (errno == EINTR) continue;
            return std::unexpected(errno_error(errno, "receive from the kernel"));
        }
        // Any process with the right capability may write to our port: only the kernel is 0.
        if (sender.nl_pid != 0) continue;
        const auto size = static_cast<std::size_t>(got);  // of all of it (MSG_TRUNC)
        if (size > capacity_) {
            make_room(size);
            return std::unexpected(truncated());
        }
        return std::span<const std::byte>(buffer_.get(), size);
    }
}

void NetlinkSocket::make_room(std::size_t bytes) {
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
    capacity_ = bytes;
}

void NetlinkSocket::discard_received() {
    while (::recv(fd_.get(), nullptr, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == EINTR) {
    }
}

Result<void> NetlinkSocket::join(int group) {
    // One that is not bound is told nothing (do_one_broadcast).
    TRY(port_id());
    return set_option(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
}

void NetlinkSocket::set_receive_buffer(int bytes) {
    // An overrun is only more likely where the limit stands, and never goes unseen.
    set_buffer(fd_.get(), SO_RCVBUFFORCE, SO_RCVBUF, bytes);
}

}  // namespace ambient::netlink
