#include "common/netlink/address_codec.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "common/netlink/family.hpp"
#include "common/netlink/scope.hpp"

namespace ambient::netlink {
namespace {

Message address_message(int type, int flags, std::uint32_t link_index,
                        const model::InterfaceAddress& address) {
    const auto family = address.address.family();
    const ifaddrmsg header{.ifa_family = to_kernel(family),
                           .ifa_prefixlen = static_cast<std::uint8_t>(address.prefix_length),
                           .ifa_flags = 0,
                           .ifa_scope = to_kernel(address.scope),
                           .ifa_index = link_index};
    Message message(type, flags, header);
    message.put_address(IFA_LOCAL, address.address);
    message.put_address(IFA_ADDRESS, address.address);
    return message;
}

bool is_link_local(const IpAddress& address) {
    return address.family() == Family::ipv6 && address.bytes()[0] == 0xfe &&
           (address.bytes()[1] & 0xc0) == 0x80;
}

}  // namespace

Result<std::optional<AddressRecord>> decode_address(const nlmsghdr& message) {
    const auto header = fixed_part<ifaddrmsg>(message);
    const auto attributes = Attributes::after<ifaddrmsg>(message);
    // IPv4 tells both, which differ on point-to-point addresses; IPv6 mostly IFA_ADDRESS alone.
    auto address = attributes.address(IFA_LOCAL);
    if (!address) address = attributes.address(IFA_ADDRESS);
    if (!header || !address ||
        (message.nlmsg_type != RTM_NEWADDR && message.nlmsg_type != RTM_DELADDR)) {
        return std::unexpected(Error{.doing = "decode address: malformed message"});
    }
    if (is_link_local(*address)) return std::nullopt;
    return AddressRecord{
        .link_index = header->ifa_index,
        .address = {
            .link = {},
            .address = *address,
            .prefix_length = header->ifa_prefixlen,
            .scope = address->family() == Family::ipv4
                         ? scope_from_kernel(header->ifa_scope).value_or(model::RouteScope::link)
                         : model::RouteScope::universe}};
}

Message dump_addresses(Family family, std::uint32_t link_index) {
    ifaddrmsg header{};
    header.ifa_family = to_kernel(family);
    header.ifa_index = link_index;
    return Message(RTM_GETADDR, 0, header);
}

Message add_address(std::uint32_t link_index, const model::InterfaceAddress& address) {
    auto message = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link_index, address);
    if (address.address.family() == Family::ipv6) message.put_u32(IFA_FLAGS, IFA_F_NODAD);
    return message;
}

Message delete_address(std::uint32_t link_index, const model::InterfaceAddress& address) {
    return address_message(RTM_DELADDR, 0, link_index, address);
}

}  // namespace ambient::netlink
