#include "common/netlink/message.hpp"

#include <new>

namespace ambient::netlink {

namespace {

// All that we send fits: a link with its kind, names and addresses takes less than half. libnl's
// default is a page, cleared for each message.
constexpr std::size_t kMaxBytes = 512;

}  // namespace

Message::Message(int type, int flags) : message_(nlmsg_alloc_size(kMaxBytes)) {
    if (!message_) throw std::bad_alloc();
    header().nlmsg_type = static_cast<std::uint16_t>(type);
    header().nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
}

void Message::put(int attribute, const void* data, std::size_t size) {
    if (nla_put(message_.get(), attribute, static_cast<int>(size), data) < 0) complete_ = false;
}

void Message::put_text(int attribute, std::string_view text) {
    // With its NUL, as rtnetlink wants names (NLA_NUL_STRING).
    const std::string copy(text);
    put(attribute, copy.c_str(), copy.size() + 1);
}

nlattr* Message::nest(int attribute) {
    auto* start = nla_nest_start(message_.get(), attribute | NLA_F_NESTED);
    if (start == nullptr) complete_ = false;
    return start;
}

void Message::nest_end(nlattr* start) {
    // Unlike nla_nest_end() this one keeps a nest that is empty, which the kernel takes for
    // "present".
    if (start != nullptr) nla_nest_end_keep_empty(message_.get(), start);
}

void Message::append(const void* bytes, std::size_t size) {
    if (nlmsg_append(message_.get(), const_cast<void*>(bytes), size, NLMSG_ALIGNTO) < 0)
        complete_ = false;
}

Attributes Attributes::after(const nlmsghdr& message, std::size_t header_size) {
    const std::size_t start = NLMSG_LENGTH(0) + NLMSG_ALIGN(header_size);
    if (message.nlmsg_len < start) return {nullptr, 0};
    auto* bytes = reinterpret_cast<char*>(const_cast<nlmsghdr*>(&message));
    return {reinterpret_cast<nlattr*>(bytes + start), static_cast<int>(message.nlmsg_len - start)};
}

Attributes Attributes::inside(const nlattr* nest) {
    if (nest == nullptr) return {nullptr, 0};
    return {static_cast<nlattr*>(nla_data(nest)), nla_len(nest)};
}

Attributes Attributes::in(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<nlattr*>(const_cast<std::uint8_t*>(bytes.data())),
            static_cast<int>(bytes.size())};
}

const nlattr* Attributes::find(int attribute) const { return nla_find(head_, length_, attribute); }

std::span<const std::uint8_t> Attributes::bytes(int attribute) const {
    const auto* found = find(attribute);
    if (found == nullptr) return {};
    return {static_cast<const std::uint8_t*>(nla_data(found)),
            static_cast<std::size_t>(nla_len(found))};
}

std::string Attributes::text(int attribute) const {
    const auto found = bytes(attribute);
    const std::string_view view(reinterpret_cast<const char*>(found.data()), found.size());
    return std::string(view.substr(0, view.find('\0')));
}

std::optional<IpAddress> Attributes::address(int attribute) const {
    return IpAddress::from_bytes(bytes(attribute));
}

}  // namespace ambient::netlink
