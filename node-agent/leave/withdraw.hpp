// At the very end: what was said of this node's pods is taken back.
#pragma once

#include <chrono>

#include <asio/io_context.hpp>

#include "common/config/agent_config.hpp"
#include "node-agent/pods/pod_table.hpp"
#include "node-agent/report/status/api.hpp"

namespace ambient::agent {

// Removes our annotation from every pod of `pods`, which a source on `io` keeps as the API server
// shows them. Runs `io` until none is shown with it, at most for `patience`: the rights may be gone
// by now. Says in the log how many are left.
void withdraw_status(asio::io_context& io, Send send, const config::AgentConfig& config,
                     const PodTable& pods, std::chrono::milliseconds patience);

}  // namespace ambient::agent
