// Netlink messages to nf_tables, one after the other in one buffer that grows.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "common/model/table_id.hpp"

namespace ambient::netlink::nft {

// No message of ours is longer: an attribute's length has 16 bits, and a rule has 128 expressions
// at most.
inline constexpr std::size_t kMaxMessage = 72 * 1024;

// Messages count from 0.
class MessageBuffer {
  public:
    // A message to write attributes to with libmnl's mnl_attr_put...(): there is room for
    // kMaxMessage bytes. It must be finished before the next one is started.
    nlmsghdr* start(std::uint16_t message, std::uint16_t flags, model::TableFamily family);
    void finish(const nlmsghdr* message);

    // Everything between the brackets is one transaction: all of it or nothing.
    void open_transaction();
    void close_transaction();

    // Whether nothing more is to come once message `index` was answered so.
    [[nodiscard]] bool is_final(std::size_t index, bool refused) const;
    // The same of an answer that is neither refusal nor acknowledgement: of the last message, when
    // it asks for one object and for no acknowledgement.
    [[nodiscard]] bool is_final_answer(std::size_t index) const;

    // Gives the messages these numbers, one after the other.
    void number_from(std::uint32_t first_sequence);

    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return {buffer_.get(), used_}; }

  private:
    nlmsghdr* start_message(std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                            std::uint16_t resource, std::size_t room);
    void add_bracket(std::uint16_t type);

    std::unique_ptr<std::byte[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t used_ = 0;
    std::size_t last_ = 0;  // where the message finished last begins
    std::size_t count_ = 0;
    bool transaction_ = false;
};

}  // namespace ambient::netlink::nft
