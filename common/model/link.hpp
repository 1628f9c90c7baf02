// A network device.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "common/net/ip_address.hpp"
#include "common/net/mac_address.hpp"

namespace ambient::model {

// Kernel: drivers/net/geneve.c. `remote` is the tunnel's other end.
struct Geneve {
    std::uint32_t vni = 0;
    IpAddress remote;
    std::uint16_t udp_port = 6081;

    auto operator<=>(const Geneve&) const = default;
};

// One end of a pair. `peer` is the other end's name as seen at creation in the same namespace;
// observed it is empty when the peer lives in another namespace.
struct Veth {
    std::string peer;

    auto operator<=>(const Veth&) const = default;
};

// Any kind that we neither create nor change; named so that a conflict can say what stands there.
struct OtherLink {
    std::string kind;

    auto operator<=>(const OtherLink&) const = default;
};

using LinkKind = std::variant<OtherLink, Geneve, Veth>;

// `mac` and `mtu` are optional in a wanted state: absent means that the kernel's choice is right.
// An observed link has both.
struct Link {
    std::string name;
    LinkKind kind;
    bool up = false;
    std::optional<MacAddress> mac = std::nullopt;
    std::optional<std::uint32_t> mtu = std::nullopt;

    auto operator<=>(const Link&) const = default;
};

// Identity: the name within its namespace (net/core/dev.c, __dev_get_by_name).
inline const std::string& key(const Link& link) { return link.name; }

// Of a kind that we create, so under one of our names it is ours. Not a veth whose peer lives in
// another namespace: that is some pod's, and could not be made again.
bool is_ours(const Link& link);

// How a found link becomes the wanted one.
//   property         how       kernel
//   up, mac, mtu     in place  net/core/rtnetlink.c, do_setlink
//   geneve remote    in place  drivers/net/geneve.c, geneve_changelink; within one family
//                              (geneve_nl2info)
//   geneve vni, port replace   geneve_nl2info refuses them on change
//   kind             replace
enum class LinkChange { none, in_place, replace };
LinkChange change_needed(const Link& wanted, const Link& found);

}  // namespace ambient::model
