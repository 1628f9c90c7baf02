// The network configuration that a runtime writes to our standard input (SPEC, section 1), checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/cni/attachment.hpp"
#include "common/cni/environment.hpp"
#include "common/cni/failure.hpp"
#include "common/cni/result.hpp"
#include "common/cni/version.hpp"

namespace ambient::cni {

// Where DEL and GC find what ADD made when no agent can tell them: must equal the agent's
// configuration.
struct DatapathNames {
    std::string filter_table = "ambient";
    std::vector<std::string> sets = {"pods4", "pods6"};
    std::uint32_t route_table = 100;
    std::uint8_t protocol = 122;

    bool operator==(const DatapathNames&) const = default;
};

enum class WithoutAgent : std::uint8_t {
    deny,   // ADD fails with "try again later": no pod starts outside the mesh by accident
    allow,  // ADD passes: pods start, uncaptured until the agent is back
};

struct NetworkConfig {
    Version version = kLatestVersion;
    std::string agent_socket = "/run/ambient-cni/agent.sock";
    std::chrono::milliseconds timeout{2000};
    // Pods of these never wait for the agent: it and what it needs live there.
    std::vector<std::string> exclude_namespaces = {"kube-system", "istio-system"};
    WithoutAgent on_agent_unavailable = WithoutAgent::deny;
    DatapathNames datapath;
    // A Failure when prevResult is missing or unreadable: DEL must do its work nevertheless.
    Outcome<PreviousResult> previous = {};
    // GC only: the attachments that the runtime knows.
    std::vector<Attachment> valid_attachments;
};

// Keys that we do not know are accepted at the top, since runtimes put their own there, but refused
// inside "datapath": a misspelled name there would make DEL look in the wrong place and leak.
Outcome<NetworkConfig> parse_config(std::string_view text, const Environment& environment);

// The version in which to answer when the rest cannot be read: the one stated if we speak it, else
// our latest.
Version version_to_answer(std::string_view text);

}  // namespace ambient::cni
