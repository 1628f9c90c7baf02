// How the writers reach the API server, and what its answers mean to them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "common/kubeapi/client.hpp"

namespace ambient::agent {

// kubeapi::Client::send; in tests something else.
using Send = std::function<kubeapi::Call(kubeapi::Request, kubeapi::Client::Done)>;
// The client outlives it.
Send send_by(kubeapi::Client& client);

enum class Verdict : std::uint8_t {
    done,
    refused,      // this request, as the object is now: asking the same again soon does not help
    failed,       // this request, for now: of other objects it says nothing
    unavailable,  // the server, or our credentials, for now: that holds for every request
};

Verdict judge(const Result<kubeapi::Response>& answer);

// At least our own pause, and at least as long as the server asked for.
std::chrono::milliseconds wait_after(const Result<kubeapi::Response>& answer,
                                     std::chrono::milliseconds pause);

// For the log: status and the server's own message, or the error.
std::string describe(const Result<kubeapi::Response>& answer);

}  // namespace ambient::agent
