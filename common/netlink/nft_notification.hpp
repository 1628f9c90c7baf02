// What a notification of group NFNLGRP_NFTABLES tells. Pure: bytes in, value out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/model/table_id.hpp"
#include "common/net/ip_address.hpp"

namespace ambient::netlink {

// A change in the table `table`: of these addresses' elements in its set `set` or, when `addresses`
// is empty, of anything else in it. A set of interfaces may seem to be one of addresses: who knows
// the sets tells them apart.
struct NftNotification {
    model::TableId table;
    std::string set = {};
    std::vector<IpAddress> addresses = {};

    bool operator==(const NftNotification&) const = default;
};

// `message` is one whole netlink message, header included. Nothing when it does not speak of
// a table (of a family that we have none of, the end of a generation, another subsystem) or is cut
// short.
std::optional<NftNotification> decode_nft_notification(std::span<const std::uint8_t> message);

}  // namespace ambient::netlink
