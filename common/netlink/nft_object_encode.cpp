#include <array>

#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>

#include "common/netlink/nft_object_codec.hpp"
#include "common/netlink/nft_object_names.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

void put_number(nlmsghdr* message, std::uint16_t attribute, std::uint32_t value) {
    mnl_attr_put_u32(message, attribute, htonl(value));
}

// The name of a table, set or chain is attribute 2 beside its table's in attribute 1, except a
// table's own.
void put_names(nlmsghdr* message, std::uint16_t table_attribute, const model::TableId& table,
               std::uint16_t name_attribute, const std::string& name) {
    mnl_attr_put_strz(message, table_attribute, table.name.c_str());
    mnl_attr_put_strz(message, name_attribute, name.c_str());
}

// What nft(8) writes beside a set: whether its keys are numbers in network order (2), or bytes as
// they come (1).
void put_key_order(nlmsghdr* message, model::SetType type) {
    const std::uint8_t order = type == model::SetType::interface ? 1 : 2;
    const std::array<std::uint8_t, 6> data{NFTNL_UDATA_SET_KEYBYTEORDER, 4, order, 0, 0, 0};
    mnl_attr_put(message, NFTA_SET_USERDATA, data.size(), data.data());
}

}  // namespace

// Creations are exclusive: what exists already is not what we planned for.

void put_table(const model::TableId& table, MessageBuffer& to) {
    auto* message = to.start(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, table.family);
    mnl_attr_put_strz(message, NFTA_TABLE_NAME, table.name.c_str());
    put_number(message, NFTA_TABLE_FLAGS, 0);
    to.finish(message);
}

void put_table_deletion(const model::TableId& table, MessageBuffer& to) {
    auto* message = to.start(NFT_MSG_DELTABLE, 0, table.family);
    mnl_attr_put_strz(message, NFTA_TABLE_NAME, table.name.c_str());
    to.finish(message);
}

void put_set(const model::TableId& table, const std::string& set, model::SetType set_type,
             std::uint32_t id, MessageBuffer& to) {
    const auto type = number_of(set_type);
    auto* message = to.start(NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL, table.family);
    put_names(message, NFTA_SET_TABLE, table, NFTA_SET_NAME, set);
    put_number(message, NFTA_SET_FLAGS, type.flags);
    put_number(message, NFTA_SET_KEY_TYPE, type.key_type);
    put_number(message, NFTA_SET_KEY_LEN, type.key_size);
    put_number(message, NFTA_SET_ID, id);
    put_key_order(message, set_type);
    to.finish(message);
}

void put_set_deletion(const model::TableId& table, const std::string& set, MessageBuffer& to) {
    auto* message = to.start(NFT_MSG_DELSET, 0, table.family);
    put_names(message, NFTA_SET_TABLE, table, NFTA_SET_NAME, set);
    to.finish(message);
}

void put_chain(const model::TableId& table, const std::string& chain,
               const std::optional<model::ChainHook>& hook, MessageBuffer& to) {
    auto* message = to.start(NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, table.family);
    put_names(message, NFTA_CHAIN_TABLE, table, NFTA_CHAIN_NAME, chain);
    if (hook) {
        auto* nest = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
        put_number(message, NFTA_HOOK_HOOKNUM, number_of(hook->hook));
        put_number(message, NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(hook->priority));
        mnl_attr_nest_end(message, nest);
        put_number(message, NFTA_CHAIN_POLICY, NF_ACCEPT);
        mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, name_of(hook->type));
    }
    to.finish(message);
}

void put_chain_deletion(const model::TableId& table, const std::string& chain, MessageBuffer& to) {
    auto* message = to.start(NFT_MSG_DELCHAIN, 0, table.family);
    put_names(message, NFTA_CHAIN_TABLE, table, NFTA_CHAIN_NAME, chain);
    to.finish(message);
}

void put_rules_deletion(const model::TableId& table, const std::string& chain, MessageBuffer& to) {
    auto* message = to.start(NFT_MSG_DELRULE, 0, table.family);
    put_names(message, NFTA_RULE_TABLE, table, NFTA_RULE_CHAIN, chain);
    to.finish(message);
}

}  // namespace ambient::netlink::nft
