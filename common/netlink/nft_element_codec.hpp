// Set elements on the wire: a key and, in the element's user data, its comment as nft(8) keeps
// it.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/model/filter_table.hpp"
#include "common/netlink/nft_message_buffer.hpp"
#include "common/netlink/nft_set_key.hpp"

namespace ambient::netlink::nft {

// One message of type `message` (NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFT_MSG_GETSETELEM) with
// as many of `elements` as fit, at least one; comments go with new elements only. Returns how many.
// Error invalid_input for a comment too long.
Result<std::size_t> put_elements(std::uint16_t message, std::uint16_t flags,
                                 const model::TableId& table, const std::string& set,
                                 std::span<const model::SetElement* const> elements,
                                 MessageBuffer& to);

// The elements in a message of type NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM.
struct DecodedElements {
    std::string table;
    std::string set;
    std::vector<WireElement> elements;
    bool beyond_model =
        false;  // one is more than a key with a comment: a timeout, data, an expression
};
DecodedElements decode_elements(const nlmsghdr& message);

}  // namespace ambient::netlink::nft
