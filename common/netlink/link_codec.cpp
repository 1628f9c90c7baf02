#include "common/netlink/link_codec.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <algorithm>
#include <bit>

#include "common/base/overloaded.hpp"

namespace ambient::netlink {
namespace {

constexpr std::uint16_t to_network(std::uint16_t value) {
    return std::endian::native == std::endian::little ? __builtin_bswap16(value) : value;
}

// `index` 0: not known yet.
Message link_message(int type, int flags, std::uint32_t index, std::uint32_t set = 0,
                     std::uint32_t change = 0) {
    ifinfomsg header{};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = static_cast<int>(index);
    header.ifi_flags = set;
    header.ifi_change = change;
    return Message(type, flags, header);
}

Message question(std::uint32_t index) {
    auto message = link_message(RTM_GETLINK, 0, index);
    message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return message;
}

void put_remote(Message& message, const IpAddress& remote) {
    message.put_address(remote.family() == Family::ipv4 ? IFLA_GENEVE_REMOTE : IFLA_GENEVE_REMOTE6,
                        remote);
}

void put_kind(Message& message, const model::OtherLink& other) {
    message.put_text(IFLA_INFO_KIND, other.kind);
}

void put_kind(Message& message, const model::Geneve& geneve) {
    message.put_text(IFLA_INFO_KIND, "geneve");
    auto* data = message.nest(IFLA_INFO_DATA);
    message.put_u32(IFLA_GENEVE_ID, geneve.vni);
    put_remote(message, geneve.remote);
    message.put_u16(IFLA_GENEVE_PORT, to_network(geneve.udp_port));
    message.nest_end(data);
}

void put_kind(Message& message, const model::Veth& veth) {
    message.put_text(IFLA_INFO_KIND, "veth");
    auto* data = message.nest(IFLA_INFO_DATA);
    auto* peer = message.nest(VETH_INFO_PEER);
    const ifinfomsg header{};
    message.append(&header, sizeof header);
    message.put_text(IFLA_IFNAME, veth.peer);
    message.nest_end(peer);
    message.nest_end(data);
}

void put_mac(Message& message, const model::Link& link) {
    if (link.mac) message.put_bytes(IFLA_ADDRESS, link.mac->bytes);
}

void put_mtu(Message& message, const model::Link& link) {
    if (link.mtu) message.put_u32(IFLA_MTU, *link.mtu);
}

// A Geneve device that the model can say: one with a remote of its own (not metadata mode).
model::LinkKind decode_geneve(const Attributes& data) {
    auto remote = data.address(IFLA_GENEVE_REMOTE);
    if (!remote) remote = data.address(IFLA_GENEVE_REMOTE6);
    const auto vni = data.u32(IFLA_GENEVE_ID);
    const auto port = data.u16(IFLA_GENEVE_PORT);
    if (!remote || !vni || !port || data.has(IFLA_GENEVE_COLLECT_METADATA)) {
        return model::OtherLink{.kind = "geneve external"};
    }
    return model::Geneve{.vni = *vni, .remote = *remote, .udp_port = to_network(*port)};
}

model::LinkKind decode_kind(const Attributes& info) {
    auto kind = info.text(IFLA_INFO_KIND);
    if (kind == "geneve") return decode_geneve(info.nested(IFLA_INFO_DATA));
    if (kind == "veth") return model::Veth{};
    return model::OtherLink{.kind = std::move(kind)};
}

}  // namespace

Result<LinkRecord> decode_link(const nlmsghdr& message) {
    const auto header = fixed_part<ifinfomsg>(message);
    if (!header || (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK)) {
        return std::unexpected(Error{.doing = "decode link: malformed message"});
    }
    const auto attributes = Attributes::after<ifinfomsg>(message);
    LinkRecord record{.index = static_cast<std::uint32_t>(header->ifi_index), .link = {}};
    record.link.name = attributes.text(IFLA_IFNAME);
    record.link.kind = decode_kind(attributes.nested(IFLA_LINKINFO));
    record.link.up = (header->ifi_flags & IFF_UP) != 0;
    record.link.mtu = attributes.u32(IFLA_MTU);
    if (const auto mac = attributes.bytes(IFLA_ADDRESS); mac.size() == 6) {
        std::ranges::copy(mac, record.link.mac.emplace().bytes.begin());
    }
    if (const auto lower = attributes.u32(IFLA_LINK); lower && *lower != 0) {
        record.lower = LowerLink{.index = *lower, .nsid = attributes.s32(IFLA_LINK_NETNSID)};
    }
    return record;
}

Message get_link(const std::string& name) {
    auto message = question(0);
    message.put_text(IFLA_IFNAME, name);
    return message;
}

Message get_link(std::uint32_t index) { return question(index); }

Message create_link(const model::Link& link) {
    auto message =
        link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, link.up ? IFF_UP : 0, IFF_UP);
    message.put_text(IFLA_IFNAME, link.name);
    put_mac(message, link);
    put_mtu(message, link);
    auto* info = message.nest(IFLA_LINKINFO);
    std::visit([&](const auto& kind) { put_kind(message, kind); }, link.kind);
    message.nest_end(info);
    return message;
}

Message change_link(std::uint32_t index, const model::Link& wanted, const model::Link& found) {
    auto message = link_message(RTM_NEWLINK, 0, index, wanted.up ? IFF_UP : 0, IFF_UP);
    if (wanted.mac != found.mac) put_mac(message, wanted);
    if (wanted.mtu != found.mtu) put_mtu(message, wanted);
    const auto* geneve = std::get_if<model::Geneve>(&wanted.kind);
    if (geneve != nullptr && wanted.kind != found.kind) {
        // Only what geneve_nl2info() takes on change: an IFLA_GENEVE_PORT, even the old one, is
        // refused.
        auto* info = message.nest(IFLA_LINKINFO);
        message.put_text(IFLA_INFO_KIND, "geneve");
        auto* data = message.nest(IFLA_INFO_DATA);
        message.put_u32(IFLA_GENEVE_ID, geneve->vni);
        put_remote(message, geneve->remote);
        message.nest_end(data);
        message.nest_end(info);
    }
    return message;
}

Message dump_links(const std::string& kind) {
    auto message = question(0);
    auto* info = message.nest(IFLA_LINKINFO);
    message.put_text(IFLA_INFO_KIND, kind);
    message.nest_end(info);
    return message;
}

Message rename_link(std::uint32_t index, const std::string& name) {
    auto message = link_message(RTM_NEWLINK, 0, index);
    message.put_text(IFLA_IFNAME, name);
    return message;
}

Message delete_link(std::uint32_t index) { return link_message(RTM_DELLINK, 0, index); }

}  // namespace ambient::netlink
