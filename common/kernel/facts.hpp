// Read-only questions about how a namespace is wired: where it routes to, what is at the other end
// of a veth, which namespace a nsid means. Threading: one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/model/address.hpp"
#include "common/netlink/route_socket.hpp"
#include "common/netns/netns.hpp"

namespace ambient {

// How a packet to some address leaves. `source` is what the kernel would choose for a socket of its
// own, `to_veth` says that the link is one end of a veth.
struct Path {
    std::string link;
    bool to_veth = false;
    std::uint32_t table = 0;
    std::optional<IpAddress> gateway = std::nullopt;
    std::optional<IpAddress> source = std::nullopt;

    bool operator==(const Path&) const = default;
};

// The other end of a veth; `nsid` names its namespace as seen from here, without one it is in the
// same.
struct Peer {
    std::uint32_t link_index = 0;
    std::optional<std::int32_t> nsid = std::nullopt;

    bool operator==(const Peer&) const = default;
};

class Facts {
  public:
    static Result<Facts> open(const Netns& netns);

    // Nothing when no route leads there.
    Result<std::optional<Path>> route_to(const IpAddress& address, std::uint32_t mark = 0);

    // Nothing when the link does not exist or has no other end.
    Result<std::optional<Peer>> peer_of(const std::string& link);
    // Error not_found when there is no such link.
    Result<std::string> name_of(std::uint32_t link_index);

    // Of every link; the kernel's IPv6 link-local ones left out.
    Result<std::vector<model::InterfaceAddress>> addresses();
    Result<std::vector<model::InterfaceAddress>> addresses_of(const std::string& link);
    // The name of the link that has this address; nothing when none has.
    Result<std::optional<std::string>> link_of_address(const IpAddress& address);

    // The nsid by which this namespace knows another; nothing when it has given it none.
    Result<std::optional<std::int32_t>> nsid_of(const Netns& other);

  private:
    explicit Facts(netlink::RouteSocket socket) : socket_(std::move(socket)) {}
    Result<std::vector<model::InterfaceAddress>> dump_addresses(std::uint32_t link_index);

    netlink::RouteSocket socket_;
};

// Every namespace that can be seen here, once: those mounted below /run/netns and /var/run/netns,
// then those of running processes; its name is that path. Ends when `visit` says true, or fails.
using VisitNetns = std::function<Result<bool>(Netns netns)>;
Result<bool> visit_netns(const VisitNetns& visit);

// The one of them that `facts`' namespace knows by this nsid: the kernel tells no path, so each is
// asked for. Nothing when none of them is it.
Result<std::optional<Netns>> find_netns(Facts& facts, std::int32_t nsid);

}  // namespace ambient
