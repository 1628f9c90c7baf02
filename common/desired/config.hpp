// Every name and number of the datapath. The defaults are Istio 1.18.2's (CONTRACT, names and
// numbers).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/ip_address.hpp"
#include "common/net/mark.hpp"

namespace ambient::desired {

// One Geneve tunnel between the node and its ztunnel, and the addresses inside it.
struct Tunnel {
    std::string node_link;
    std::string ztunnel_link;
    std::uint32_t vni = 0;
    IpAddress node_address4;
    IpAddress ztunnel_address4;
    int prefix_length4 = 30;
    IpAddress node_address6;
    IpAddress ztunnel_address6;
    int prefix_length6 = 126;

    bool operator==(const Tunnel&) const = default;
};

struct Marks {
    Mark outbound = Mark::bits(0x100);  // captured: to the outbound tunnel; in conntrack: to either
    Mark inbound = Mark::bits(0x80);    // captured: to the inbound tunnel
    Mark skip = Mark::bits(0x200);      // not for us: our own chains leave it alone
    Mark skip_connection = Mark::bits(0x220);  // the same, kept in conntrack
    // Beside another one until the last chain in prerouting takes it off: our rules do not take it,
    // so that others' checks of senders, which may ask with a packet's mark, see a node without us.
    Mark arriving = Mark::bits(0x20);
    Mark original_source =
        Mark::bits(0x210);  // ztunnel's connection with a pod's source, kept in conntrack
    // Answers to such a connection; in conntrack beside it: ztunnel holds both ends.
    Mark to_ztunnel = Mark::bits(0x40);
    // In these bits, beside the two above, which of several ztunnels (lanes.hpp).
    Mark lanes = {.value = 0, .mask = 0xc};
    Mark tproxy = {.value = 0x400, .mask = 0xfff};          // in the ztunnel namespace
    Mark original_reply = {.value = 0x4d3, .mask = 0xfff};  // in the ztunnel namespace

    bool operator==(const Marks&) const = default;
};

struct Tables {
    std::uint32_t inbound = 100;
    std::uint32_t outbound = 101;
    std::uint32_t to_ztunnel = 102;
    std::uint32_t lanes = 104;          // the second lane's; those of further ones follow
    std::uint32_t ztunnel_local = 100;  // in the ztunnel namespace

    bool operator==(const Tables&) const = default;
};

struct Priorities {
    std::uint32_t outbound = 101;
    std::uint32_t to_ztunnel = 102;
    std::uint32_t inbound = 103;
    std::uint32_t ztunnel_tproxy = 20000;
    std::uint32_t ztunnel_reply = 20003;

    bool operator==(const Priorities&) const = default;
};

struct ZtunnelPorts {
    std::uint16_t outbound = 15001;
    std::uint16_t inbound_plaintext = 15006;
    std::uint16_t inbound_hbone = 15008;
    std::uint16_t dns = 15053;

    bool operator==(const ZtunnelPorts&) const = default;
};

struct Filter {
    std::string table = "ambient";
    std::string pods4 = "pods4";
    std::string pods6 = "pods6";

    bool operator==(const Filter&) const = default;
};

struct Datapath {
    Tunnel inbound;
    Tunnel outbound;
    std::uint16_t geneve_port = 6081;
    Marks marks;
    Tables tables;
    Priorities priorities;
    ZtunnelPorts ports;
    Filter filter;
    // Of our routes and rules: how we know them again (rtnetlink(7), rtm_protocol). Unused by any
    // daemon in iproute2's rt_protos.
    std::uint8_t protocol = 122;

    Datapath();  // the tunnels' defaults
    bool operator==(const Datapath&) const = default;
};

// In a sidecar pod's own namespace. Envoy's listeners are fixed there, and so is the mark that it
// gives its transparent connections to the application (original_src, mark 1337); the rest is ours,
// apart from Istio's own numbers (rule without preference, table 133).
struct SidecarNumbers {
    std::string table = "ambient-sidecar";
    std::uint16_t outbound_port = 15001;
    std::uint16_t inbound_port = 15006;
    std::uint16_t hbone_port = 15008;
    std::uint16_t dns_port = 15053;
    Mark proxy = {.value = 1337, .mask = 0xfff};      // Envoy's, and what is led to it
    Mark to_itself = {.value = 1338, .mask = 0xfff};  // Envoy to its own pod's address
    Mark taken = {.value = 1339, .mask = 0xfff};      // of connections: Envoy's by TPROXY
    std::uint32_t route_table = 684;
    std::uint32_t rule_priority = 32002;
    std::uint16_t dns_zone_proxy =
        1;  // conntrack zones: the proxy's questions, and the application's
    std::uint16_t dns_zone_application = 2;

    bool operator==(const SidecarNumbers&) const = default;
};

// What becomes of new connections of captured pods while no ztunnel is ready: they wait for the
// next one, pass outside the mesh, or are reset.
enum class WithoutZtunnel : std::uint8_t { wait, bypass, reset };
inline constexpr std::array<std::string_view, 3> kWithoutZtunnel = {"wait", "bypass", "reset"};

// Who is enrolled, and which pod is the ztunnel.
struct Policy {
    std::string dataplane_label = "istio.io/dataplane-mode";
    std::string ambient_value = "ambient";
    std::string none_value = "none";
    // Whether sidecar pods get their rules from us (docs/sidecar.md).
    bool redirect_sidecars = false;
    std::string sidecar_annotation = "sidecar.istio.io/status";
    std::string redirection_annotation = "ambient.istio.io/redirection";
    std::string redirection_disabled = "disabled";
    WithoutZtunnel without_ztunnel = WithoutZtunnel::wait;
    // Of a namespace, for its pods.
    std::string without_ztunnel_annotation = "ambient-cni.dev/without-ztunnel";
    std::string ztunnel_label = "app";
    std::string ztunnel_value = "ztunnel";
    std::string ztunnel_namespace = "istio-system";
    std::string ztunnel_service_account = "ztunnel";
    std::string dns_capture_env = "ISTIO_META_DNS_CAPTURE";
    std::vector<std::string> excluded_namespaces = {"kube-system", "istio-system"};

    bool operator==(const Policy&) const = default;
};

}  // namespace ambient::desired
