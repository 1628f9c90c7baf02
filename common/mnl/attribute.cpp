// Netlink attributes: libmnl.h's mnl_attr_*. Lengths and alignment as in include/net/netlink.h.
#include <array>
#include <cerrno>
#include <cstring>

#include <libmnl/libmnl.h>

namespace {

char* tail_of(nlmsghdr* message) {
    return reinterpret_cast<char*>(message) + MNL_ALIGN(message->nlmsg_len);
}

int fail(int error) {
    errno = error;
    return -1;
}

// The payload size that a type stands for; 0: any size.
constexpr std::array<size_t, MNL_TYPE_MAX> exact_sizes() {
    std::array<size_t, MNL_TYPE_MAX> sizes{};
    sizes[MNL_TYPE_U8] = sizeof(uint8_t);
    sizes[MNL_TYPE_U16] = sizeof(uint16_t);
    sizes[MNL_TYPE_U32] = sizeof(uint32_t);
    sizes[MNL_TYPE_U64] = sizeof(uint64_t);
    sizes[MNL_TYPE_MSECS] = sizeof(uint64_t);
    return sizes;
}

// NLA_HDRLEN and a copy, since a payload is aligned to 4 only.
template <typename T>
T payload_as(const nlattr* attribute) {
    T value;
    std::memcpy(&value, mnl_attr_get_payload(attribute), sizeof(value));
    return value;
}

int parse(const nlattr* first, const char* end, mnl_attr_cb_t callback, void* data) {
    int result = MNL_CB_OK;
    for (const nlattr* attribute = first;
         mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
         attribute = mnl_attr_next(attribute)) {
        result = callback(attribute, data);
        if (result <= MNL_CB_STOP) break;
    }
    return result;
}

}  // namespace

uint16_t mnl_attr_get_type(const nlattr* attribute) {
    return static_cast<uint16_t>(attribute->nla_type & NLA_TYPE_MASK);
}

uint16_t mnl_attr_get_payload_len(const nlattr* attribute) {
    return static_cast<uint16_t>(attribute->nla_len - MNL_ATTR_HDRLEN);
}

void* mnl_attr_get_payload(const nlattr* attribute) {
    return const_cast<char*>(reinterpret_cast<const char*>(attribute)) + MNL_ATTR_HDRLEN;
}

bool mnl_attr_ok(const nlattr* attribute, int length) {
    return length >= static_cast<int>(sizeof(nlattr)) && attribute->nla_len >= sizeof(nlattr) &&
           static_cast<int>(attribute->nla_len) <= length;
}

nlattr* mnl_attr_next(const nlattr* attribute) {
    const char* next = reinterpret_cast<const char*>(attribute) + MNL_ALIGN(attribute->nla_len);
    return reinterpret_cast<nlattr*>(const_cast<char*>(next));
}

int mnl_attr_type_valid(const nlattr* attribute, uint16_t maximum) {
    return mnl_attr_get_type(attribute) > maximum ? fail(EOPNOTSUPP) : 1;
}

int mnl_attr_validate(const nlattr* attribute, mnl_attr_data_type type) {
    static constexpr auto kSizes = exact_sizes();
    if (type < MNL_TYPE_UNSPEC || type >= MNL_TYPE_MAX) return fail(EINVAL);

    const size_t length = mnl_attr_get_payload_len(attribute);
    const auto* payload = static_cast<const char*>(mnl_attr_get_payload(attribute));
    if (kSizes[type] != 0) return length == kSizes[type] ? 0 : fail(ERANGE);
    switch (type) {
        case MNL_TYPE_FLAG: return length == 0 ? 0 : fail(ERANGE);
        case MNL_TYPE_NUL_STRING:
            if (length == 0) return fail(ERANGE);
            return payload[length - 1] == '\0' ? 0 : fail(EINVAL);
        case MNL_TYPE_STRING: return length != 0 ? 0 : fail(ERANGE);
        case MNL_TYPE_NESTED:  // may be empty; else one header at least
            return length == 0 || length >= MNL_ATTR_HDRLEN ? 0 : fail(ERANGE);
        default: return 0;
    }
}

int mnl_attr_parse(const nlmsghdr* message, unsigned int offset, mnl_attr_cb_t callback,
                   void* data) {
    const auto* first =
        static_cast<const char*>(mnl_nlmsg_get_payload(message)) + MNL_ALIGN(offset);
    const char* end = reinterpret_cast<const char*>(message) + MNL_ALIGN(message->nlmsg_len);
    return parse(reinterpret_cast<const nlattr*>(first), end, callback, data);
}

int mnl_attr_parse_nested(const nlattr* nest, mnl_attr_cb_t callback, void* data) {
    const auto* first = static_cast<const nlattr*>(mnl_attr_get_payload(nest));
    return parse(first, reinterpret_cast<const char*>(first) + mnl_attr_get_payload_len(nest),
                 callback, data);
}

uint8_t mnl_attr_get_u8(const nlattr* attribute) { return payload_as<uint8_t>(attribute); }

uint16_t mnl_attr_get_u16(const nlattr* attribute) { return payload_as<uint16_t>(attribute); }

uint32_t mnl_attr_get_u32(const nlattr* attribute) { return payload_as<uint32_t>(attribute); }

uint64_t mnl_attr_get_u64(const nlattr* attribute) { return payload_as<uint64_t>(attribute); }

const char* mnl_attr_get_str(const nlattr* attribute) {
    return static_cast<const char*>(mnl_attr_get_payload(attribute));
}

void mnl_attr_put(nlmsghdr* message, uint16_t type, size_t length, const void* data) {
    const size_t payload = MNL_ALIGN(length);
    auto* attribute = reinterpret_cast<nlattr*>(tail_of(message));
    attribute->nla_type = type;
    attribute->nla_len = static_cast<uint16_t>(MNL_ATTR_HDRLEN + length);
    auto* into = static_cast<char*>(mnl_attr_get_payload(attribute));
    if (length != 0) std::memcpy(into, data, length);
    std::memset(into + length, 0, payload - length);
    message->nlmsg_len += static_cast<uint32_t>(MNL_ATTR_HDRLEN + payload);
}

void mnl_attr_put_u8(nlmsghdr* message, uint16_t type, uint8_t data) {
    mnl_attr_put(message, type, sizeof(data), &data);
}

void mnl_attr_put_u16(nlmsghdr* message, uint16_t type, uint16_t data) {
    mnl_attr_put(message, type, sizeof(data), &data);
}

void mnl_attr_put_u32(nlmsghdr* message, uint16_t type, uint32_t data) {
    mnl_attr_put(message, type, sizeof(data), &data);
}

void mnl_attr_put_u64(nlmsghdr* message, uint16_t type, uint64_t data) {
    mnl_attr_put(message, type, sizeof(data), &data);
}

void mnl_attr_put_str(nlmsghdr* message, uint16_t type, const char* data) {
    mnl_attr_put(message, type, std::strlen(data), data);
}

void mnl_attr_put_strz(nlmsghdr* message, uint16_t type, const char* data) {
    mnl_attr_put(message, type, std::strlen(data) + 1, data);
}

nlattr* mnl_attr_nest_start(nlmsghdr* message, uint16_t type) {
    auto* nest = reinterpret_cast<nlattr*>(tail_of(message));
    nest->nla_type = static_cast<uint16_t>(NLA_F_NESTED | type);
    message->nlmsg_len += MNL_ATTR_HDRLEN;
    return nest;
}

void mnl_attr_nest_end(nlmsghdr* message, nlattr* start) {
    start->nla_len = static_cast<uint16_t>(tail_of(message) - reinterpret_cast<char*>(start));
}
