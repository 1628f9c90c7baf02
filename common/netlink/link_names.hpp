// Names and indexes of links, asked once each: for the length of one operation. Threading: as its
// socket.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/netlink/route_socket.hpp"

namespace ambient::netlink {

class LinkNames {
  public:
    explicit LinkNames(RouteSocket& socket) : socket_(socket) {}

    // Error not_found when there is no such link.
    Result<std::uint32_t> index_of(const std::string& name);
    Result<std::string> name_of(std::uint32_t index);
    // Whether the link of this name is a veth.
    Result<bool> is_veth(const std::string& name);
    // After a change of links.
    void forget() { known_.clear(); }

  private:
    RouteSocket& socket_;
    std::map<std::uint32_t, std::string> known_;
};

}  // namespace ambient::netlink
