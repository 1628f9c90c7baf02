// Interface addresses in rtnetlink's words (net/ipv4/devinet.c, net/ipv6/addrconf.c). Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/model/address.hpp"
#include "common/netlink/message.hpp"

namespace ambient::netlink {

// `address.link` is empty: the name belongs to `link_index`.
struct AddressRecord {
    std::uint32_t link_index = 0;
    model::InterfaceAddress address;

    bool operator==(const AddressRecord&) const = default;
};

// RTM_NEWADDR or RTM_DELADDR; nothing for the kernel's own IPv6 link-local addresses, which are not
// in the model. Error internal when the message is malformed.
Result<std::optional<AddressRecord>> decode_address(const nlmsghdr& message);

// `link_index` 0: of every link.
Message dump_addresses(Family family, std::uint32_t link_index);
Message add_address(std::uint32_t link_index, const model::InterfaceAddress& address);
Message delete_address(std::uint32_t link_index, const model::InterfaceAddress& address);

}  // namespace ambient::netlink
