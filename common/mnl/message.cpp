// Netlink messages: libmnl.h's mnl_nlmsg_*.
#include <cstring>

#include <libmnl/libmnl.h>

nlmsghdr* mnl_nlmsg_put_header(void* buffer) {
    std::memset(buffer, 0, MNL_NLMSG_HDRLEN);
    auto* message = static_cast<nlmsghdr*>(buffer);
    message->nlmsg_len = MNL_NLMSG_HDRLEN;
    return message;
}

void* mnl_nlmsg_put_extra_header(nlmsghdr* message, size_t size) {
    char* header = reinterpret_cast<char*>(message) + message->nlmsg_len;
    const size_t length = MNL_ALIGN(size);
    message->nlmsg_len += static_cast<uint32_t>(length);
    std::memset(header, 0, length);
    return header;
}

void* mnl_nlmsg_get_payload(const nlmsghdr* message) {
    return const_cast<char*>(reinterpret_cast<const char*>(message)) + MNL_NLMSG_HDRLEN;
}
