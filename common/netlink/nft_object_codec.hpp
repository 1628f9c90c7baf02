// Tables, sets and chains on the wire.
#pragma once

#include <linux/netlink.h>

#include <optional>
#include <string>

#include "common/base/error.hpp"
#include "common/model/filter_table.hpp"
#include "common/netlink/nft_message_buffer.hpp"

namespace ambient::netlink::nft {

void put_table(const model::TableId& table, MessageBuffer& to);
void put_table_deletion(const model::TableId& table, MessageBuffer& to);

// `id` tells sets of one transaction apart.
void put_set(const model::TableId& table, const std::string& set, model::SetType type,
             std::uint32_t id, MessageBuffer& to);
void put_set_deletion(const model::TableId& table, const std::string& set, MessageBuffer& to);

void put_chain(const model::TableId& table, const std::string& chain,
               const std::optional<model::ChainHook>& hook, MessageBuffer& to);
void put_chain_deletion(const model::TableId& table, const std::string& chain, MessageBuffer& to);
// All rules of the chain.
void put_rules_deletion(const model::TableId& table, const std::string& chain, MessageBuffer& to);

// An object that was read. `value` is absent when the model cannot say it.
template <class T>
struct Decoded {
    std::string table;
    std::string name;
    // Belongs to a rule (an anonymous set, a chain of a verdict block) and not to the table.
    bool anonymous = false;
    std::optional<T> value = std::nullopt;
};
// Whether the table is nothing but a table: not dormant, not owned by a process.
bool is_plain_table(const nlmsghdr& message);
// Without its elements.
Decoded<model::FilterSet> decode_set(const nlmsghdr& message);
// Without its rules.
Decoded<model::FilterChain> decode_chain(const nlmsghdr& message);

}  // namespace ambient::netlink::nft
