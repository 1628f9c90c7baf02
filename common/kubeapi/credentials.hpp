// What a request carries to say who we are. Internal to common/kubeapi.
#pragma once

#include <string>

#include "common/base/error.hpp"
#include "common/kubeapi/access.hpp"

namespace ambient::kubeapi {

// The bearer token of now; empty when there is none. A token file is read each time: it lies in
// memory (a projected volume) and is replaced while we run, and a token that is never kept is never
// stale. Errors: those of reading it; invalid_input when it is no token.
Result<std::string> bearer_token(const Access& access);

// "[fd00::1]:6443" of "https://[fd00::1]:6443/prefix".
std::string host_and_port(const std::string& server);

}  // namespace ambient::kubeapi
