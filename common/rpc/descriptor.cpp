#include "common/rpc/descriptor.hpp"

#include <sys/socket.h>

#include <cstring>

namespace ambient::rpc {
namespace {

// Room for one descriptor, aligned as the kernel's header needs it.
struct Control {
    alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))] = {};
};

msghdr message_of(iovec& part, Control& control) {
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    return message;
}

}  // namespace

ssize_t send_with(int socket, std::span<const char> bytes, int descriptor, int flags) {
    Control control;
    iovec part = {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
    auto message = message_of(part, control);
    if (descriptor < 0) {
        message.msg_control = nullptr;
        message.msg_controllen = 0;
    } else {
        auto* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof descriptor);
        std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    return ::sendmsg(socket, &message, MSG_NOSIGNAL | flags);
}

ssize_t receive_with(int socket, std::span<char> bytes, UniqueFd& descriptor) {
    Control control;
    iovec part = {.iov_base = bytes.data(), .iov_len = bytes.size()};
    auto message = message_of(part, control);
    const auto received = ::recvmsg(socket, &message, MSG_TRUNC | MSG_CMSG_CLOEXEC);
    if (received < 0) return received;
    const auto* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int))) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        descriptor = UniqueFd(fd);
    }
    return received;
}

}  // namespace ambient::rpc
