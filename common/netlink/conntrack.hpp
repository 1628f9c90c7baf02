// How many connections the kernel's connection tracking has in one network namespace. Threading:
// one thread at a time.
#pragma once

#include <cstdint>
#include <map>

#include "common/base/error.hpp"
#include "common/net/mark.hpp"
#include "common/netlink/netlink_socket.hpp"
#include "common/netns/netns.hpp"

namespace ambient::netlink {

class Conntrack {
  public:
    static Result<Conntrack> open(const Netns& netns);

    // The established TCP connections, of both families, whose conntrack mark is `mark`, by what
    // they have in the bits `by`. The kernel walks all that it tracks and tells only these; nothing
    // of them is kept. Error interrupted when answers were lost.
    Result<std::map<std::uint32_t, std::uint64_t>> count(const Mark& mark, std::uint32_t by);

  private:
    explicit Conntrack(NetlinkSocket socket) : socket_(std::move(socket)) {}

    NetlinkSocket socket_;
};

}  // namespace ambient::netlink
