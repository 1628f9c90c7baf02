// A NETLINK_NETFILTER socket: requests, dumps and transactions as bytes; replies as bytes or as the kernel's error.
// Threading: one thread at a time; opened inside the namespace it serves.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"
#include "common/netns/netns.hpp"

namespace ambient::netlink {

// A refusal of one message: `sequence` is that message's.
struct NftRefusal {
    std::uint32_t sequence = 0;
    int errno_value = 0;
    std::string kernel_text;
};

class NftSocket {
  public:
    static Result<NftSocket> open(const Netns& netns);

    using OnMessage = std::function<void(const nlmsghdr&)>;

    // Sends `messages` (whole netlink messages, one after the other) in one piece and reads until the message of
    // sequence number `last` was answered: acknowledged, refused, or its dump done. Everything else that comes goes to
    // `on_message`, refusals are returned. Error: the socket itself failed, or replies were lost (interrupted).
    Result<std::vector<NftRefusal>> exchange(std::span<const std::uint8_t> messages, std::uint32_t last,
                                             const OnMessage& on_message);

    // Whether the kernel flagged the last exchange's dump as interrupted (NLM_F_DUMP_INTR).
    [[nodiscard]] bool dump_was_interrupted() const { return dump_interrupted_; }

    // A fresh sequence number.
    std::uint32_t next_sequence() { return ++sequence_; }

    [[nodiscard]] std::uint32_t port_id() const { return port_id_; }

  private:
    NftSocket(UniqueFd fd, std::uint32_t port_id);
    Result<void> send(std::span<const std::uint8_t> messages);
    Result<std::span<const char>> receive();

    UniqueFd fd_;
    std::uint32_t port_id_ = 0;
    std::uint32_t sequence_ = 0;
    int send_buffer_ = 0;
    bool dump_interrupted_ = false;
    std::unique_ptr<char[]> buffer_;
};

}  // namespace ambient::netlink
