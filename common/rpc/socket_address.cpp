#include "common/rpc/socket_address.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace ambient::rpc {

Result<sockaddr_un> socket_address(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return std::unexpected(
            invalid_input("a unix socket's path must have 1 to 107 bytes: \"" + path + "\""));
    }
    std::ranges::copy(path, static_cast<char*>(address.sun_path));
    return address;
}

}  // namespace ambient::rpc
