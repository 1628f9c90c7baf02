// Reading tables from the kernel: requests and dumps put together into the model's values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/model/filter_table.hpp"
#include "common/netlink/netlink_socket.hpp"

namespace ambient::netlink::nft {

// The number of the rule set's current generation: any change by anyone in the namespace makes
// another.
Result<std::uint32_t> read_generation(NetlinkSocket& socket);

// The table; nothing when there is none. It takes several dumps, so that only the generation can
// tell whether they fit together. Error interrupted when the kernel says that one of them does not.
Result<std::optional<model::FilterTable>> read_table(NetlinkSocket& socket,
                                                     const model::TableId& id);

// The table's sets with those elements that have one of `keys` (nothing: all); nothing when there
// is no such table.
Result<std::optional<model::FilterTable>> read_elements(
    NetlinkSocket& socket, const model::TableId& id,
    const std::optional<std::vector<model::SetKey>>& keys);

}  // namespace ambient::netlink::nft
