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

size_t mnl_nlmsg_size(size_t length) { return length + MNL_NLMSG_HDRLEN; }

bool mnl_nlmsg_ok(const nlmsghdr* message, int length) {
    return length >= static_cast<int>(sizeof(nlmsghdr)) && message->nlmsg_len >= sizeof(nlmsghdr) &&
           static_cast<int>(message->nlmsg_len) <= length;
}

nlmsghdr* mnl_nlmsg_next(const nlmsghdr* message, int* length) {
    const auto size = static_cast<int>(MNL_ALIGN(message->nlmsg_len));
    *length -= size;
    const char* next = reinterpret_cast<const char*>(message) + size;
    return reinterpret_cast<nlmsghdr*>(const_cast<char*>(next));
}

// Notifications carry port and sequence number 0, so 0 on either side matches all.
bool mnl_nlmsg_portid_ok(const nlmsghdr* message, unsigned int portid) {
    return message->nlmsg_pid == 0 || portid == 0 || message->nlmsg_pid == portid;
}

bool mnl_nlmsg_seq_ok(const nlmsghdr* message, unsigned int sequence) {
    return message->nlmsg_seq == 0 || sequence == 0 || message->nlmsg_seq == sequence;
}
