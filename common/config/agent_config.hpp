// Everything that can be set for the agent, with its defaults. manifests/config/agent.yaml explains
// every field; a test keeps the two equal.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/desired/config.hpp"

namespace ambient::config {

struct Source {
    std::filesystem::path files = "/etc/ambient-cni/objects";  // a file, or a folder of files

    bool operator==(const Source&) const = default;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;

    bool operator==(const Log&) const = default;
};

struct AgentConfig {
    std::string node_name = {};  // empty: load() takes the machine's name
    Source source = {};
    std::filesystem::path socket = "/run/ambient-cni/agent.sock";
    std::filesystem::path state_dir = "/var/lib/ambient-cni";
    Log log = {};
    std::chrono::seconds resync{30};
    std::vector<IpAddress> host_addresses = {};  // empty: found from the kernel
    desired::Datapath datapath = {};
    desired::Policy policy = {};

    bool operator==(const AgentConfig&) const = default;
};

}  // namespace ambient::config
