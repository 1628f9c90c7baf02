// A netlink socket: libmnl.h's mnl_socket_*. libnftnl.a refers to it in nftnl_batch_is_supported();
// our own code opens its sockets itself (common/netlink), with close-on-exec and extended acks.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include <libmnl/libmnl.h>

struct mnl_socket {
    int fd;
    sockaddr_nl address;
};

mnl_socket* mnl_socket_open(int bus) {
    const int fd = socket(AF_NETLINK, SOCK_RAW, bus);
    if (fd == -1) return nullptr;
    auto* opened = new (std::nothrow) mnl_socket{fd, {}};
    if (opened == nullptr) {
        close(fd);
        errno = ENOMEM;
    }
    return opened;
}

int mnl_socket_close(mnl_socket* opened) {
    const int result = close(opened->fd);
    delete opened;
    return result;
}

int mnl_socket_bind(mnl_socket* opened, unsigned int groups, pid_t pid) {
    opened->address = {};
    opened->address.nl_family = AF_NETLINK;
    opened->address.nl_groups = groups;
    opened->address.nl_pid = static_cast<uint32_t>(pid);
    auto* address = reinterpret_cast<sockaddr*>(&opened->address);
    socklen_t length = sizeof(opened->address);
    if (bind(opened->fd, address, length) == -1) return -1;
    if (getsockname(opened->fd, address, &length) == -1) return -1;  // the kernel chose the port
    if (length == sizeof(opened->address) && opened->address.nl_family == AF_NETLINK) return 0;
    errno = EINVAL;
    return -1;
}

unsigned int mnl_socket_get_portid(const mnl_socket* opened) { return opened->address.nl_pid; }

ssize_t mnl_socket_sendto(const mnl_socket* opened, const void* buffer, size_t length) {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    return sendto(opened->fd, buffer, length, 0, reinterpret_cast<const sockaddr*>(&kernel),
                  sizeof(kernel));
}

ssize_t mnl_socket_recvfrom(const mnl_socket* opened, void* buffer, size_t length) {
    sockaddr_nl sender{};
    iovec part{.iov_base = buffer, .iov_len = length};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof(sender);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t received = recvmsg(opened->fd, &message, 0);
    if (received == -1) return -1;
    if ((message.msg_flags & MSG_TRUNC) != 0) {
        errno = ENOSPC;
        return -1;
    }
    if (message.msg_namelen != sizeof(sender)) {
        errno = EINVAL;
        return -1;
    }
    return received;
}
