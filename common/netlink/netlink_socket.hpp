// The one owner of a netlink socket, of any protocol: extended acks and strict checking on, the
// sender of every datagram checked, no datagram taken in part, errno kept as it was. libnl's own
// socket folds errno values and drops the kernel's text, hence this one. Threading: one thread at a
// time.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"
#include "common/netns/netns.hpp"

namespace ambient::netlink {

// Messages in one buffer, each aligned. Iterate with `for (const nlmsghdr& message : messages)`.
class Messages {
  public:
    class Iterator {
      public:
        Iterator(const std::byte* at, std::size_t left) : at_(at), left_(left) {}
        const nlmsghdr& operator*() const { return *reinterpret_cast<const nlmsghdr*>(at_); }
        Iterator& operator++();
        // At the end when what is left is no whole message.
        bool operator==(std::default_sentinel_t) const;

      private:
        const std::byte* at_;
        std::size_t left_;
    };

    explicit Messages(std::span<const std::byte> bytes) : bytes_(bytes) {}
    [[nodiscard]] Iterator begin() const { return {bytes_.data(), bytes_.size()}; }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

  private:
    std::span<const std::byte> bytes_;
};

class NetlinkSocket {
  public:
    // `protocol` is NETLINK_ROUTE or NETLINK_NETFILTER. Receiving never waits: the kernel has
    // answered when send() returns (net/netlink/af_netlink.c, netlink_unicast_kernel), and makes
    // the next part of a dump while it hands over the one before (netlink_recvmsg).
    static Result<NetlinkSocket> open(const Netns& netns, int protocol);

    // One datagram to the kernel, whatever the size of the send buffer.
    Result<void> send(std::span<const std::byte> datagram);
    // The next datagram from the kernel; valid until the next call. Errors: interrupted when the
    // kernel lost messages for want of buffer (ENOBUFS) or the datagram had no room here, which it
    // has the next time; unavailable when there is none.
    Result<std::span<const std::byte>> receive();
    // Drops what stands in the receive buffer. After an overrun the kernel sends nothing more until
    // it is empty (net/netlink/af_netlink.c, netlink_attachskb and netlink_rcv_wake).
    void discard_received();
    // Notifications of a multicast group, from now on.
    Result<void> join(int group);
    // Room for `bytes` of datagrams that were not received yet, beyond the system's limit if we
    // may.
    void set_receive_buffer(int bytes);

    std::uint32_t next_sequence() { return ++sequence_; }
    [[nodiscard]] int fd() const { return fd_.get(); }
    // Of the messages that come from here. The kernel chooses it, and not always the process id.
    Result<std::uint32_t> port_id();

  private:
    explicit NetlinkSocket(UniqueFd fd) : fd_(std::move(fd)) {}

    void make_room(std::size_t bytes);

    UniqueFd fd_;
    std::uint32_t port_id_ = 0;            // 0: not asked for
    std::uint32_t sequence_ = 0;           // requests start at 1: notifications carry 0
    std::unique_ptr<std::byte[]> buffer_;  // never cleared: most of it is never touched
    std::size_t capacity_ = 0;
};

}  // namespace ambient::netlink
