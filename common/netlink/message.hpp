// One rtnetlink message, to build and to read. The builder owns libnl's message; the reader looks
// into bytes of others.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "common/base/error.hpp"
#include "common/net/ip_address.hpp"

namespace ambient::netlink {

class Message {
  public:
    // `header` is the family's fixed part: ifinfomsg, rtmsg ...
    template <class Header>
    Message(int type, int flags, const Header& header) : Message(type, flags) {
        append(&header, sizeof header);
    }

    void put_u8(int attribute, std::uint8_t value) { put(attribute, &value, sizeof value); }
    void put_u16(int attribute, std::uint16_t value) { put(attribute, &value, sizeof value); }
    void put_u32(int attribute, std::uint32_t value) { put(attribute, &value, sizeof value); }
    void put_text(int attribute, std::string_view text);
    void put_bytes(int attribute, std::span<const std::uint8_t> bytes) {
        put(attribute, bytes.data(), bytes.size());
    }
    void put_address(int attribute, const IpAddress& address) {
        put_bytes(attribute, address.bytes());
    }
    // Attributes put until nest_end() belong to this one.
    [[nodiscard]] nlattr* nest(int attribute);
    void nest_end(nlattr* start);
    // A further fixed part, inside a nest (VETH_INFO_PEER).
    void append(const void* bytes, std::size_t size);

    // False when something did not fit: a value of ours was absurdly long.
    [[nodiscard]] bool complete() const { return complete_; }
    nlmsghdr& header() { return *nlmsg_hdr(message_.get()); }
    [[nodiscard]] std::span<const std::byte> bytes() const {
        const auto* head = nlmsg_hdr(message_.get());
        return {reinterpret_cast<const std::byte*>(head), head->nlmsg_len};
    }

  private:
    Message(int type, int flags);
    void put(int attribute, const void* data, std::size_t size);

    struct Free {
        void operator()(nl_msg* message) const { nlmsg_free(message); }
    };
    std::unique_ptr<nl_msg, Free> message_;
    bool complete_ = true;
};

// A run of attributes. Lookups return nothing when the attribute is absent or has not exactly the
// size asked for.
class Attributes {
  public:
    // Those after the fixed part of a message.
    template <class Header>
    static Attributes after(const nlmsghdr& message) {
        return after(message, sizeof(Header));
    }
    static Attributes inside(const nlattr* nest);
    static Attributes in(std::span<const std::uint8_t> bytes);

    [[nodiscard]] const nlattr* find(int attribute) const;
    [[nodiscard]] bool has(int attribute) const { return find(attribute) != nullptr; }
    [[nodiscard]] std::optional<std::uint8_t> u8(int attribute) const {
        return value<std::uint8_t>(attribute);
    }
    [[nodiscard]] std::optional<std::uint16_t> u16(int attribute) const {
        return value<std::uint16_t>(attribute);
    }
    [[nodiscard]] std::optional<std::uint32_t> u32(int attribute) const {
        return value<std::uint32_t>(attribute);
    }
    [[nodiscard]] std::optional<std::int32_t> s32(int attribute) const {
        return value<std::int32_t>(attribute);
    }
    [[nodiscard]] std::string text(int attribute) const;  // empty when absent
    [[nodiscard]] std::optional<IpAddress> address(int attribute) const;
    [[nodiscard]] std::span<const std::uint8_t> bytes(int attribute) const;
    [[nodiscard]] Attributes nested(int attribute) const { return inside(find(attribute)); }

    // Whether `allowed` says yes to the type of every attribute.
    template <class Predicate>
    [[nodiscard]] bool all(Predicate allowed) const {
        int left = length_;
        for (auto* at = head_; nla_ok(at, left); at = nla_next(at, &left)) {
            if (!allowed(nla_type(at))) return false;
        }
        return true;
    }

  private:
    Attributes(nlattr* head, int length) : head_(head), length_(length) {}
    static Attributes after(const nlmsghdr& message, std::size_t header_size);

    template <class T>
    [[nodiscard]] std::optional<T> value(int attribute) const {
        const auto found = bytes(attribute);
        if (found.size() != sizeof(T)) return std::nullopt;
        T result{};
        std::memcpy(&result, found.data(), sizeof result);
        return result;
    }

    nlattr* head_;
    int length_;
};

// The fixed part of a message; nothing when the message is too short for it.
template <class Header>
std::optional<Header> fixed_part(const nlmsghdr& message) {
    if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Header))) return std::nullopt;
    Header header{};
    std::memcpy(&header, NLMSG_DATA(&message), sizeof header);
    return header;
}

}  // namespace ambient::netlink
