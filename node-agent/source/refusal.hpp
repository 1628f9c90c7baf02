// What the API server answered instead of what was asked for, as an Error.
#pragma once

#include <string>

#include "common/base/error.hpp"
#include "common/kube/stream.hpp"
#include "common/kubeapi/client.hpp"

namespace ambient::agent {

// `doing` as in "list pods". Errors of kind permission (401, 403), not_found (404), conflict (409),
// else unavailable.
Error refusal(std::string doing, const kube::Status& status);
Error refusal(std::string doing, const kubeapi::Response& response);

}  // namespace ambient::agent
