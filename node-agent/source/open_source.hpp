// The source that the configuration names.
#pragma once

#include <chrono>
#include <memory>

#include <asio/io_context.hpp>

#include "common/base/error.hpp"
#include "common/config/agent_config.hpp"
#include "common/kubeapi/client.hpp"
#include "node-agent/pods/pod_table.hpp"
#include "node-agent/source/source.hpp"

namespace ambient::agent {

// Null without a cluster.
Result<std::unique_ptr<kubeapi::Client>> open_client(const config::AgentConfig& config,
                                                     asio::io_context& io);
// `client` is that of open_client(); it and the table outlive the source.
Result<std::unique_ptr<Source>> open_source(const config::AgentConfig& config, PodTable& pods,
                                            kubeapi::Client* client);

// Files are read at once.
inline constexpr std::chrono::seconds kNoWait{0};

// Runs the loop until everything there is was told, at most for `patience`; for what is done once.
// Error unavailable when it was not.
Result<void> read_once(asio::io_context& io, Source& source, const PodTable& pods,
                       std::chrono::seconds patience);

}  // namespace ambient::agent
