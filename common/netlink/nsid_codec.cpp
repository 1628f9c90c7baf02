#include "common/netlink/nsid_codec.hpp"

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

namespace ambient::netlink {

Message get_nsid(int netns_fd) {
    const rtgenmsg header{.rtgen_family = AF_UNSPEC};
    Message message(RTM_GETNSID, 0, header);
    message.put_u32(NETNSA_FD, static_cast<std::uint32_t>(netns_fd));
    return message;
}

std::optional<std::int32_t> decode_nsid(const nlmsghdr& message) {
    const auto nsid = Attributes::after<rtgenmsg>(message).s32(NETNSA_NSID);
    if (!nsid || *nsid == NETNSA_NSID_NOT_ASSIGNED) return std::nullopt;
    return nsid;
}

}  // namespace ambient::netlink
