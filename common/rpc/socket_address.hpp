// A path as the address of a unix socket.
#pragma once

#include <sys/un.h>

#include <string>

#include "common/base/error.hpp"

namespace ambient::rpc {

// Error invalid_input when the path is empty or does not fit.
Result<sockaddr_un> socket_address(const std::string& path);

}  // namespace ambient::rpc
