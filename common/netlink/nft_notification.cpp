#include "common/netlink/nft_notification.hpp"

#include <cstring>

#include "common/netlink/message.hpp"
#include "common/netlink/nft_element_codec.hpp"
#include "common/netlink/nft_object_names.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink {
namespace {

// Every object's message carries its table's name in attribute 1 (NFTA_TABLE_NAME,
// NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_SET_ELEM_LIST_TABLE, NFTA_OBJ_TABLE,
// NFTA_FLOWTABLE_TABLE). A generation has its number there, but no family.
constexpr int kTableAttribute = NFTA_TABLE_NAME;
static_assert(kTableAttribute == NFTA_CHAIN_TABLE && kTableAttribute == NFTA_RULE_TABLE &&
              kTableAttribute == NFTA_SET_TABLE && kTableAttribute == NFTA_SET_ELEM_LIST_TABLE &&
              kTableAttribute == NFTA_OBJ_TABLE && kTableAttribute == NFTA_FLOWTABLE_TABLE);

}  // namespace

std::optional<NftNotification> decode_nft_notification(std::span<const std::uint8_t> bytes) {
    const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
    if (bytes.size() < sizeof(nlmsghdr) || message->nlmsg_len > bytes.size()) return std::nullopt;
    const auto header = fixed_part<nfgenmsg>(*message);
    const auto family = header ? nft::table_family_of(header->nfgen_family) : std::nullopt;
    if (!family || NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES) {
        return std::nullopt;
    }
    const auto type = NFNL_MSG_TYPE(message->nlmsg_type);
    if (type == NFT_MSG_NEWSETELEM || type == NFT_MSG_DELSETELEM) {
        const auto decoded = nft::decode_elements(*message);
        if (decoded.table.empty()) return std::nullopt;
        NftNotification notification{
            .table = {*family, decoded.table}, .set = decoded.set, .addresses = {}};
        for (const auto& element : decoded.elements) {
            // Only what may be an address: its set's type is not told.
            const auto address = IpAddress::from_bytes(element.key.span());
            if (!address || element.ends || decoded.beyond_model)
                return NftNotification{.table = notification.table, .set = decoded.set};
            notification.addresses.push_back(*address);
        }
        return notification;
    }
    auto table = Attributes::after<nfgenmsg>(*message).text(kTableAttribute);
    if (table.empty()) return std::nullopt;
    return NftNotification{.table = {*family, std::move(table)}, .addresses = {}};
}

}  // namespace ambient::netlink
