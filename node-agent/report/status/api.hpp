// How the writers reach the API server, and what its answers mean to them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <asio/io_context.hpp>

#include "common/kubeapi/client.hpp"
#include "node-agent/report/status/budget.hpp"

namespace ambient::agent {

// Enough for a node of 250 pods that starts anew; then five a second, as each of thousands of nodes
// may (client-go's default is 5, too).
inline constexpr Budget::Rate kWrites = {.burst = 250, .period = std::chrono::milliseconds(200)};

// kubeapi::Client::send; in tests something else.
using Send = std::function<kubeapi::Call(kubeapi::Request, kubeapi::Client::Done)>;
// What is no GET waits for its turn in `writes`, one budget for all that this process writes. All
// of these outlive it, and the calls.
Send send_by(kubeapi::Client& client, asio::io_context& io, Budget& writes);
Send within(Budget& writes, asio::io_context& io, Send send);

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
