// Links in rtnetlink's words (net/core/rtnetlink.c; drivers/net/geneve.c; drivers/net/veth.c).
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/model/link.hpp"
#include "common/netlink/message.hpp"

namespace ambient::netlink {

// Where the other end of a link is (a veth's peer, a tunnel's lower device): its ifindex in the
// namespace that we know by `nsid`, or in the link's own one without it.
struct LowerLink {
    std::uint32_t index = 0;
    std::optional<std::int32_t> nsid = std::nullopt;

    bool operator==(const LowerLink&) const = default;
};

// A link as the kernel tells it. `link`'s veth peer has no name yet: see `lower`.
struct LinkRecord {
    std::uint32_t index = 0;
    model::Link link;
    std::optional<LowerLink> lower = std::nullopt;

    bool operator==(const LinkRecord&) const = default;
};

// RTM_NEWLINK or RTM_DELLINK. Error internal when the message is malformed.
Result<LinkRecord> decode_link(const nlmsghdr& message);

Message get_link(const std::string& name);
Message get_link(std::uint32_t index);
Message create_link(const model::Link& link);
// The properties that change in place (model::change_needed), those that differ.
Message change_link(std::uint32_t index, const model::Link& wanted, const model::Link& found);
// All of one kind ("geneve").
Message dump_links(const std::string& kind);
Message rename_link(std::uint32_t index, const std::string& name);
Message delete_link(std::uint32_t index);

}  // namespace ambient::netlink
