// Requests to rtnetlink: links, addresses, routes, rules, nsids. Threading: one thread at a time.
#pragma once

#include <vector>

#include "common/netlink/dump.hpp"
#include "common/netlink/message.hpp"
#include "common/netlink/netlink_socket.hpp"

namespace ambient::netlink {

// A single answer.
class Reply {
  public:
    explicit Reply(const nlmsghdr& message);
    [[nodiscard]] const nlmsghdr& message() const {
        return *reinterpret_cast<const nlmsghdr*>(bytes_.data());
    }

  private:
    std::vector<std::byte> bytes_;
};

// Errors carry errno and the kernel's text; the caller adds what was being done, to which object.
class RouteSocket {
  public:
    static Result<RouteSocket> open(const Netns& netns);

    // A change; returns when the kernel has acknowledged it.
    Result<void> execute(Message& request);
    // A question with one answer.
    Result<Reply> query(Message& request);
    // A question with many. Interrupted dumps are repeated (retry_interrupted).
    Result<Dump> dump(Message& request);

    [[nodiscard]] int fd() const { return socket_.fd(); }
    Result<std::uint32_t> port_id() { return socket_.port_id(); }

  private:
    explicit RouteSocket(NetlinkSocket socket) : socket_(std::move(socket)) {}
    Result<void> send(Message& request, int flags);
    Result<Dump> dump_once(Message& request);

    NetlinkSocket socket_;
};

}  // namespace ambient::netlink
