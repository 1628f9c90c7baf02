// Everything that can be set for the agent, with its defaults. manifests/config/agent.yaml explains
// every field; a test keeps the two equal.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/desired/config.hpp"
#include "common/net/ip_address.hpp"

namespace ambient::config {

enum class SourceKind : std::uint8_t { files, kubernetes };

struct Source {
    SourceKind kind = SourceKind::files;
    std::filesystem::path files = "/etc/ambient-cni/objects";  // a file, or a folder of files
    std::filesystem::path kubeconfig = {};  // empty: the service account of the pod we run in

    bool operator==(const Source&) const = default;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;

    bool operator==(const Log&) const = default;
};

// What the plugin does with a new pod while no agent answers: the pod waits, or starts uncaptured.
enum class WithoutAgent : std::uint8_t { deny, allow };

// The plugin and its entry in the node's network configuration.
struct Install {
    bool enabled = false;
    std::filesystem::path plugin = "/usr/local/lib/ambient-cni/ambient-cni";  // copied from here
    std::filesystem::path cni_bin_dir = "/opt/cni/bin";
    std::filesystem::path cni_conf_dir = "/etc/cni/net.d";
    WithoutAgent on_agent_unavailable = WithoutAgent::deny;

    bool operator==(const Install&) const = default;
};

// HTTP: /healthz, /readyz, /metrics.
struct Health {
    IpAddress address = *IpAddress::parse("127.0.0.1");
    std::uint16_t port = 0;  // 0: not served

    bool operator==(const Health&) const = default;
};

// What is written to the API server.
struct Status {
    bool annotate = true;  // pods that are captured
    bool events = true;    // why a pod is not

    bool operator==(const Status&) const = default;
};

// What is done about a running pod whose sidecar's rules are not as they must be.
enum class SidecarRepair : std::uint8_t {
    in_place,    // its rules are put right
    label,       // one that has none of them gets the label cni.istio.io/uninitialized
    delete_pod,  // one that has none of them is deleted
    off,
};

struct Sidecar {
    SidecarRepair repair = SidecarRepair::in_place;

    bool operator==(const Sidecar&) const = default;
};

struct AgentConfig {
    std::string node_name = {};  // empty: load() takes NODE_NAME, else the machine's name
    Source source = {};
    std::filesystem::path socket = "/run/ambient-cni/agent.sock";
    std::filesystem::path state_dir = "/var/lib/ambient-cni";
    std::filesystem::path sysctl_dir = "/proc/sys";
    Log log = {};
    Install install = {};
    Health health = {};
    Status status = {};
    Sidecar sidecar = {};
    std::string taint = {};      // key of the node's taint to remove when ready; empty: none
    std::string daemonset = {};  // "namespace/name": uninstall when it is gone; empty: never
    bool refused_token_uninstalls = false;  // a token that is refused for good counts as that
    std::chrono::seconds resync{30};
    std::vector<IpAddress> host_addresses = {};  // empty: found from the kernel
    desired::Datapath datapath = {};
    desired::Policy policy = {};

    bool operator==(const AgentConfig&) const = default;
};

}  // namespace ambient::config
