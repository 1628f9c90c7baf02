#include "common/config/load.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "common/base/read_file.hpp"
#include "common/config/mapping.hpp"
#include "common/config/validate.hpp"

namespace ambient::config {
namespace {

using namespace desired;

void read(Mapping& from, Tunnel& out) {
    from.text("node_link", out.node_link);
    from.text("ztunnel_link", out.ztunnel_link);
    from.number("vni", out.vni, 0U, 0xffffffU);
    from.address("node_address4", out.node_address4, Family::ipv4);
    from.address("ztunnel_address4", out.ztunnel_address4, Family::ipv4);
    from.number("prefix_length4", out.prefix_length4, 8, 31);
    from.address("node_address6", out.node_address6, Family::ipv6);
    from.address("ztunnel_address6", out.ztunnel_address6, Family::ipv6);
    from.number("prefix_length6", out.prefix_length6, 16, 127);
}

void read(Mapping& from, Marks& out) {
    from.mark("outbound", out.outbound);
    from.mark("inbound", out.inbound);
    from.mark("skip", out.skip);
    from.mark("skip_connection", out.skip_connection);
    from.mark("arriving", out.arriving);
    from.mark("original_source", out.original_source);
    from.mark("to_ztunnel", out.to_ztunnel);
    from.mark("lanes", out.lanes);
    from.mark("tproxy", out.tproxy);
    from.mark("original_reply", out.original_reply);
}

void read(Mapping& from, Tables& out) {
    from.number("inbound", out.inbound, 1U);
    from.number("outbound", out.outbound, 1U);
    from.number("to_ztunnel", out.to_ztunnel, 1U);
    from.number("lanes", out.lanes, 1U);
    from.number("ztunnel_local", out.ztunnel_local, 1U);
}

void read(Mapping& from, Priorities& out) {
    from.number("outbound", out.outbound, 1U, 32765U);
    from.number("to_ztunnel", out.to_ztunnel, 1U, 32765U);
    from.number("inbound", out.inbound, 1U, 32765U);
    from.number("ztunnel_tproxy", out.ztunnel_tproxy, 1U, 32765U);
    from.number("ztunnel_reply", out.ztunnel_reply, 1U, 32765U);
}

constexpr std::uint16_t kFirstPort = 1;

void read(Mapping& from, ZtunnelPorts& out) {
    from.number("outbound", out.outbound, kFirstPort);
    from.number("inbound_plaintext", out.inbound_plaintext, kFirstPort);
    from.number("inbound_hbone", out.inbound_hbone, kFirstPort);
    from.number("dns", out.dns, kFirstPort);
}

void read(Mapping& from, Filter& out) {
    from.text("table", out.table);
    from.text("pods4", out.pods4);
    from.text("pods6", out.pods6);
}

void read(Mapping& from, Datapath& out) {
    from.mapping("inbound", [&](Mapping& m) { read(m, out.inbound); });
    from.mapping("outbound", [&](Mapping& m) { read(m, out.outbound); });
    from.number("geneve_port", out.geneve_port, kFirstPort);
    from.mapping("marks", [&](Mapping& m) { read(m, out.marks); });
    from.mapping("tables", [&](Mapping& m) { read(m, out.tables); });
    from.mapping("priorities", [&](Mapping& m) { read(m, out.priorities); });
    from.mapping("ports", [&](Mapping& m) { read(m, out.ports); });
    from.mapping("filter", [&](Mapping& m) { read(m, out.filter); });
    // RTPROT_UNSPEC to RTPROT_STATIC belong to the kernel and to people (linux/rtnetlink.h).
    from.number("protocol", out.protocol, std::uint8_t{5});
}

void read(Mapping& from, Policy& out) {
    from.text("dataplane_label", out.dataplane_label);
    from.text("ambient_value", out.ambient_value);
    from.text("none_value", out.none_value);
    from.flag("redirect_sidecars", out.redirect_sidecars);
    from.text("sidecar_annotation", out.sidecar_annotation);
    from.text("redirection_annotation", out.redirection_annotation);
    from.text("redirection_disabled", out.redirection_disabled);
    if (const auto choice = from.choice("without_ztunnel", kWithoutZtunnel))
        out.without_ztunnel = static_cast<WithoutZtunnel>(*choice);
    from.text("without_ztunnel_annotation", out.without_ztunnel_annotation);
    from.text("ztunnel_label", out.ztunnel_label);
    from.text("ztunnel_value", out.ztunnel_value);
    from.text("ztunnel_namespace", out.ztunnel_namespace);
    from.text("ztunnel_service_account", out.ztunnel_service_account);
    from.text("dns_capture_env", out.dns_capture_env);
    from.texts("excluded_namespaces", out.excluded_namespaces);
}

void read(Mapping& from, Log& out) {
    static constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning",
                                                                "error"};
    static constexpr std::array<std::string_view, 2> kFormats = {"text", "json"};
    if (const auto level = from.choice("level", kLevels)) out.level = static_cast<LogLevel>(*level);
    if (const auto format = from.choice("format", kFormats)) {
        out.format = static_cast<LogFormat>(*format);
    }
}

void read_path(Mapping& from, const char* name, std::filesystem::path& out) {
    std::string text = out.native();
    from.text(name, text);
    out = text;
}

void read(Mapping& from, Source& out) {
    static constexpr std::array<std::string_view, 2> kKinds = {"files", "kubernetes"};
    if (const auto kind = from.choice("kind", kKinds)) out.kind = static_cast<SourceKind>(*kind);
    read_path(from, "files", out.files);
    read_path(from, "kubeconfig", out.kubeconfig);
}

void read(Mapping& from, Install& out) {
    from.flag("enabled", out.enabled);
    read_path(from, "plugin", out.plugin);
    read_path(from, "cni_bin_dir", out.cni_bin_dir);
    read_path(from, "cni_conf_dir", out.cni_conf_dir);
    static constexpr std::array<std::string_view, 2> kWithoutAgent = {"deny", "allow"};
    if (const auto choice = from.choice("on_agent_unavailable", kWithoutAgent)) {
        out.on_agent_unavailable = static_cast<WithoutAgent>(*choice);
    }
}

void read(Mapping& from, Sidecar& out) {
    static constexpr std::array<std::string_view, 4> kRepairs = {"in-place", "label", "delete",
                                                                 "off"};
    if (const auto repair = from.choice("repair", kRepairs))
        out.repair = static_cast<SidecarRepair>(*repair);
}

void read(Mapping& from, AgentConfig& out) {
    from.text("node_name", out.node_name);
    from.mapping("source", [&](Mapping& m) { read(m, out.source); });
    from.mapping("install", [&](Mapping& m) { read(m, out.install); });
    from.mapping("health", [&](Mapping& m) {
        m.address("address", out.health.address);
        m.number("port", out.health.port, std::uint16_t{0});
    });
    from.mapping("status", [&](Mapping& m) {
        m.flag("annotate", out.status.annotate);
        m.flag("events", out.status.events);
    });
    from.mapping("sidecar", [&](Mapping& m) { read(m, out.sidecar); });
    from.text("taint", out.taint);
    from.text("daemonset", out.daemonset);
    from.flag("refused_token_uninstalls", out.refused_token_uninstalls);
    read_path(from, "socket", out.socket);
    read_path(from, "state_dir", out.state_dir);
    read_path(from, "sysctl_dir", out.sysctl_dir);
    from.mapping("log", [&](Mapping& m) { read(m, out.log); });
    auto resync = static_cast<std::uint32_t>(out.resync.count());
    from.number("resync_seconds", resync, 1U, 86400U);
    out.resync = std::chrono::seconds(resync);
    from.addresses("host_addresses", out.host_addresses);
    from.mapping("datapath", [&](Mapping& m) { read(m, out.datapath); });
    from.mapping("policy", [&](Mapping& m) { read(m, out.policy); });
}

Result<std::string> machine_name() {
    std::array<char, 256> name{};  // HOST_NAME_MAX is 64
    if (::gethostname(name.data(), name.size() - 1) != 0) {
        return std::unexpected(errno_error(errno, "read the machine's name"));
    }
    return std::string(name.data());
}

}  // namespace

Result<AgentConfig> parse(const std::string& yaml, const std::string& file) {
    const Value document = TRY(parse_yaml(yaml, file));
    AgentConfig config;
    Report report(file);
    Mapping top(report, document);
    read(top, config);
    top.finish();
    if (!report.problem()) {
        if (const auto objection = object_to(config)) {
            report.refuse_field(objection->field, objection->sentence);
        }
    }
    if (report.problem()) return std::unexpected(*report.problem());
    return config;
}

Result<AgentConfig> load(const std::filesystem::path& path) {
    const std::string text = TRY(read_file(path, kMaxConfigBytes));
    AgentConfig config = TRY(parse(text, path.native()));
    if (config.node_name.empty()) {
        // As a DaemonSet gives it (spec.nodeName by the downward API).
        const char* given = std::getenv("NODE_NAME");
        config.node_name = given && *given ? given : TRY(machine_name());
    }
    return config;
}

}  // namespace ambient::config
