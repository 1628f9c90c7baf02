#include "common/netlink/conntrack.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <utility>

#include "common/netlink/ack.hpp"
#include "common/netlink/message.hpp"

namespace ambient::netlink {
namespace {

Message dump_request(const Mark& mark) {
    const nfgenmsg every_family{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = 0};
    Message request(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, every_family);
    request.put_u32(CTA_MARK, htonl(mark.value));
    request.put_u32(CTA_MARK_MASK, htonl(mark.mask));
    return request;
}

bool is_established_tcp(const Attributes& connection) {
    const auto tcp = connection.nested(CTA_PROTOINFO).nested(CTA_PROTOINFO_TCP);
    return tcp.u8(CTA_PROTOINFO_TCP_STATE) == TCP_CONNTRACK_ESTABLISHED;
}

}  // namespace

Result<Conntrack> Conntrack::open(const Netns& netns) {
    return Conntrack(TRY(NetlinkSocket::open(netns, NETLINK_NETFILTER)));
}

Result<std::map<std::uint32_t, std::uint64_t>> Conntrack::count(const Mark& mark,
                                                                std::uint32_t by) {
    auto request = dump_request(mark);
    const auto sequence = request.header().nlmsg_seq = socket_.next_sequence();
    TRY(socket_.send(request.bytes()));
    std::map<std::uint32_t, std::uint64_t> counts;
    while (true) {
        const auto datagram = TRY(socket_.receive());
        for (const nlmsghdr& message : Messages(datagram)) {
            if (message.nlmsg_seq != sequence) continue;
            if (const auto ack = read_ack(message)) {
                if (ack->errno_value == 0) return counts;
                return std::unexpected(errno_error(ack->errno_value, "count connections"));
            }
            const auto connection = Attributes::after<nfgenmsg>(message);
            const auto found = connection.u32(CTA_MARK);
            if (found && mark.matches(ntohl(*found)) && is_established_tcp(connection))
                ++counts[ntohl(*found) & by];
        }
    }
}

}  // namespace ambient::netlink
