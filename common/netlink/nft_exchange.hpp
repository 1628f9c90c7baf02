// Sending messages to nf_tables and reading what the kernel answers to each.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/netlink/netlink_socket.hpp"
#include "common/netlink/nft_message_buffer.hpp"

namespace ambient::netlink::nft {

// The kernel refused message `index` of those sent.
struct Refusal {
    std::size_t index = 0;
    int errno_value = 0;
    std::string kernel_text;
};

struct Answers {
    std::vector<Refusal> refusals;  // in the order of the messages
    bool dump_interrupted = false;  // NLM_F_DUMP_INTR: the dump is not one moment's state
};

// Sends all messages as one datagram and reads until they are answered. The last one (a transaction
// sees to it itself) must be a dump, ask for an acknowledgement, or have a single answer. What the
// kernel tells meanwhile goes to `on_message`. Error: the socket failed, or answers were lost
// (interrupted).
Result<Answers> exchange(NetlinkSocket& socket, MessageBuffer& messages,
                         const std::function<void(const nlmsghdr&)>& on_message);

}  // namespace ambient::netlink::nft
