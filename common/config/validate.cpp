#include "common/config/validate.hpp"

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace ambient::config {
namespace {

using desired::Datapath;

template <class T>
struct Named {
    const char* field;
    T value;
};

// The second of two equal values.
template <class T>
std::optional<Objection> all_different(std::initializer_list<Named<T>> values) {
    for (auto i = values.begin(); i != values.end(); ++i) {
        for (auto j = values.begin(); j != i; ++j) {
            if (i->value != j->value) continue;
            return Objection{i->field, fmt::format("{} and {} are both {}; they must differ",
                                                   j->field, i->field, i->value)};
        }
    }
    return std::nullopt;
}

// net/core/dev.c, dev_valid_name; '%' asks the kernel to number devices (dev_alloc_name).
std::optional<Objection> device_name(const char* field, const std::string& name) {
    constexpr std::size_t kLongest = 15;  // IFNAMSIZ less the NUL
    const bool good = !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
                      std::ranges::all_of(name, [](unsigned char c) {
                          return c > ' ' && c < 0x7f &&
                                 !std::string_view("/:%\"\\").contains(static_cast<char>(c));
                      });
    if (good) return std::nullopt;
    return Objection{field, fmt::format("{} is not a device name; take at most {} letters, digits, "
                                        "'-', '_' or '.'",
                                        field, kLongest)};
}

// nft's identifiers (nft(8)), so that `nft` can show and print what we make.
std::optional<Objection> filter_name(const char* field, const std::string& name) {
    constexpr std::size_t kLongest = 63;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto inner = [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    if (!name.empty() && name.size() <= kLongest && letter(name.front()) &&
        std::ranges::all_of(name, inner)) {
        return std::nullopt;
    }
    return Objection{field, fmt::format("{} must be a name of at most {} letters, digits, '_' or "
                                        "'-' that begins with a letter",
                                        field, kLongest)};
}

// apimachinery, validation.IsDNS1123Subdomain.
bool is_object_name(std::string_view name) {
    const auto inner = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, inner);
}

bool is_namespaced_name(std::string_view name) {
    const auto slash = name.find('/');
    return slash != name.npos && is_object_name(name.substr(0, slash)) &&
           is_object_name(name.substr(slash + 1));
}

// apimachinery, validation.IsQualifiedName.
bool is_label_key(std::string_view key) {
    const auto slash = key.find('/');
    if (slash != key.npos && !is_object_name(key.substr(0, slash))) return false;
    const auto name = slash == key.npos ? key : key.substr(slash + 1);
    const auto outer = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const auto inner = [&](char c) { return outer(c) || c == '-' || c == '_' || c == '.'; };
    return !name.empty() && name.size() <= 63 && outer(name.front()) && outer(name.back()) &&
           std::ranges::all_of(name, inner);
}

std::optional<Objection> absolute_path(const char* field, const std::filesystem::path& path) {
    if (path.is_absolute()) return std::nullopt;
    return Objection{field,
                     fmt::format("{} must be a path from the root, beginning with '/'", field)};
}

}  // namespace

std::optional<Objection> object_to_names(const AgentConfig& config) {
    const Datapath& d = config.datapath;
    for (const auto& [field, name] :
         {Named<std::string>{"datapath.inbound.node_link", d.inbound.node_link},
          {"datapath.inbound.ztunnel_link", d.inbound.ztunnel_link},
          {"datapath.outbound.node_link", d.outbound.node_link},
          {"datapath.outbound.ztunnel_link", d.outbound.ztunnel_link}}) {
        if (auto objection = device_name(field, name)) return objection;
    }
    for (const auto& [field, name] : {Named<std::string>{"datapath.filter.table", d.filter.table},
                                      {"datapath.filter.pods4", d.filter.pods4},
                                      {"datapath.filter.pods6", d.filter.pods6}}) {
        if (auto objection = filter_name(field, name)) return objection;
    }
    for (const auto& [field, path] :
         {Named<std::filesystem::path>{"source.files", config.source.files},
          {"socket", config.socket},
          {"state_dir", config.state_dir},
          {"sysctl_dir", config.sysctl_dir},
          {"install.plugin", config.install.plugin},
          {"install.cni_bin_dir", config.install.cni_bin_dir},
          {"install.cni_conf_dir", config.install.cni_conf_dir}}) {
        if (auto objection = absolute_path(field, path)) return objection;
    }
    if (const auto& kubeconfig = config.source.kubeconfig; !kubeconfig.empty()) {
        if (auto objection = absolute_path("source.kubeconfig", kubeconfig)) return objection;
    }
    if (auto objection = object_to_cluster(config)) return objection;
    if (config.socket.native().size() >= sizeof(sockaddr_un::sun_path)) {
        return Objection{"socket", fmt::format("socket must have less than {} characters: the "
                                               "kernel's limit for a unix socket's path",
                                               sizeof(sockaddr_un::sun_path))};
    }
    if (config.policy.ambient_value == config.policy.none_value) {
        return Objection{"policy.none_value",
                         "policy.ambient_value and policy.none_value must differ: one label cannot "
                         "say both"};
    }
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        if (std::ranges::count(config.host_addresses, family, &IpAddress::family) > 1) {
            return Objection{"host_addresses",
                             "host_addresses may hold one IPv4 and one IPv6 address: the node's "
                             "own towards its pods"};
        }
    }
    return std::nullopt;
}

std::optional<Objection> object_to_cluster(const AgentConfig& config) {
    if (!config.daemonset.empty() && !is_namespaced_name(config.daemonset)) {
        return Objection{"daemonset",
                         "daemonset must be namespace/name, istio-system/ambient-node-agent for "
                         "example"};
    }
    if (!config.taint.empty() && !is_label_key(config.taint)) {
        return Objection{"taint",
                         "taint must be a taint's key, ambient-cni.dev/not-ready for example"};
    }
    const auto repair = config.sidecar.repair;
    const bool repair_writes =
        repair == SidecarRepair::label || repair == SidecarRepair::delete_pod;
    const char* needs_cluster = !config.taint.empty()       ? "taint"
                                : !config.daemonset.empty() ? "daemonset"
                                : repair_writes             ? "sidecar.repair"
                                                            : nullptr;
    if (needs_cluster && config.source.kind != SourceKind::kubernetes) {
        return Objection{needs_cluster,
                         fmt::format("{} needs an API server: set source.kind to kubernetes, or "
                                     "remove it",
                                     needs_cluster)};
    }
    return std::nullopt;
}

std::optional<Objection> object_to_duplicates(const Datapath& d) {
    if (auto objection =
            all_different<std::string>({{"datapath.inbound.node_link", d.inbound.node_link},
                                        {"datapath.outbound.node_link", d.outbound.node_link}})) {
        return objection;
    }
    if (auto objection = all_different<std::string>(
            {{"datapath.inbound.ztunnel_link", d.inbound.ztunnel_link},
             {"datapath.outbound.ztunnel_link", d.outbound.ztunnel_link}})) {
        return objection;
    }
    if (auto objection = all_different<std::string>({{"datapath.filter.pods4", d.filter.pods4},
                                                     {"datapath.filter.pods6", d.filter.pods6}})) {
        return objection;
    }
    if (auto objection = all_different<std::uint32_t>(
            {{"datapath.inbound.vni", d.inbound.vni}, {"datapath.outbound.vni", d.outbound.vni}})) {
        return objection;
    }
    return all_different<std::uint32_t>(
        {{"datapath.ports.outbound", d.ports.outbound},
         {"datapath.ports.inbound_plaintext", d.ports.inbound_plaintext},
         {"datapath.ports.inbound_hbone", d.ports.inbound_hbone}});
}

std::optional<Objection> object_to(const AgentConfig& config) {
    if (auto objection = object_to_names(config)) return objection;
    if (auto objection = object_to_duplicates(config.datapath)) return objection;
    if (auto objection = object_to_tunnels(config.datapath)) return objection;
    if (auto objection = object_to_routing(config.datapath)) return objection;
    return object_to_marks(config.datapath.marks);
}

}  // namespace ambient::config
