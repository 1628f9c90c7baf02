#include "node-agent/source/refusal.hpp"

#include <utility>

#include <fmt/format.h>

namespace ambient::agent {
namespace {

ErrorKind kind_of(int code) {
    switch (code) {
        case 401:
        case 403: return ErrorKind::permission;
        case 404: return ErrorKind::not_found;
        case 409: return ErrorKind::conflict;
        default: return ErrorKind::unavailable;
    }
}

}  // namespace

Error refusal(std::string doing, const kube::Status& status) {
    constexpr std::size_t kShown = 400;
    return {.kind = kind_of(status.code),
            .doing = std::move(doing),
            .kernel_text = fmt::format("the API server says {} {}: {}", status.code, status.reason,
                                       status.message.substr(0, kShown))};
}

Error refusal(std::string doing, const kubeapi::Response& response) {
    auto status = kube::decode_status(response.body);
    status.code = response.status;
    // Not every answer is a Status: the server's filters and load balancers speak plain text.
    if (status.message.empty()) status.message = response.body;
    return refusal(std::move(doing), status);
}

}  // namespace ambient::agent
