// Rules across fields: each case breaks one of them in an otherwise good configuration.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/config/load.hpp"

namespace ambient::config {
namespace {

std::string refusal(const std::string& yaml) {
    const auto config = parse(yaml, "f");
    return config ? "accepted" : describe(config.error());
}

TEST_CASE("rules across fields") {
    struct Case {
        const char* yaml;
        const char* refusal;
    };
    const std::vector<Case> cases = {
        // names
        {"datapath: {inbound: {node_link: sixteen-letters-}}\n",
         "f:1:33: datapath.inbound.node_link is not a device name; take at most 15 letters, "
         "digits, '-', '_' or '.'"},
        {"datapath: {outbound: {ztunnel_link: a/b}}\n",
         "f:1:37: datapath.outbound.ztunnel_link is not a device name; take at most 15 letters, "
         "digits, '-', '_' or '.'"},
        {"datapath: {inbound: {node_link: istioout}}\n",
         "f:1:11: datapath.inbound.node_link and datapath.outbound.node_link are both istioout; "
         "they must differ"},
        {"datapath: {outbound: {ztunnel_link: pistioin}}\n",
         "f:1:37: datapath.inbound.ztunnel_link and datapath.outbound.ztunnel_link are both "
         "pistioin; they must differ"},
        {"datapath: {outbound: {vni: 1000}}\n",
         "f:1:28: datapath.inbound.vni and datapath.outbound.vni are both 1000; they must differ"},
        {"datapath: {filter: {table: 1st}}\n",
         "f:1:28: datapath.filter.table must be a name of at most 63 letters, digits, '_' or '-' "
         "that begins with a letter"},
        {"datapath: {filter: {pods6: pods4}}\n",
         "f:1:28: datapath.filter.pods4 and datapath.filter.pods6 are both pods4; they must "
         "differ"},
        {"datapath: {ports: {inbound_hbone: 15001}}\n",
         "f:1:35: datapath.ports.outbound and datapath.ports.inbound_hbone are both 15001; they "
         "must differ"},
        {"socket: agent.sock\n", "f:1:9: socket must be a path from the root, beginning with '/'"},
        {"state_dir: .\n", "f:1:12: state_dir must be a path from the root, beginning with '/'"},
        {"source: {files: x}\n",
         "f:1:17: source.files must be a path from the root, beginning with '/'"},
        {"source: {kubeconfig: x}\n",
         "f:1:22: source.kubeconfig must be a path from the root, beginning with '/'"},
        {"install: {cni_conf_dir: etc}\n",
         "f:1:25: install.cni_conf_dir must be a path from the root, beginning with '/'"},
        {"sysctl_dir: sys\n",
         "f:1:13: sysctl_dir must be a path from the root, beginning with '/'"},
        // cluster
        {"{source: {kind: kubernetes}, daemonset: agent}\n",
         "f:1:41: daemonset must be namespace/name, istio-system/ambient-node-agent for example"},
        {"{source: {kind: kubernetes}, daemonset: a/b/c}\n",
         "f:1:41: daemonset must be namespace/name, istio-system/ambient-node-agent for example"},
        {"{source: {kind: kubernetes}, taint: -x}\n",
         "f:1:37: taint must be a taint's key, ambient-cni.dev/not-ready for example"},
        {"sidecar: {repair: delete}\n",
         "f:1:19: sidecar.repair needs an API server: set source.kind to kubernetes, or remove it"},
        {"taint: ambient-cni.dev/not-ready\n",
         "f:1:8: taint needs an API server: set source.kind to kubernetes, or remove it"},
        {"daemonset: a/b\n",
         "f:1:12: daemonset needs an API server: set source.kind to kubernetes, or remove it"},
        {"{source: {kind: kubernetes}, taint: ambient-cni.dev/not-ready, daemonset: a/b}\n",
         "accepted"},
        {"policy: {none_value: ambient}\n",
         "f:1:22: policy.ambient_value and policy.none_value must differ: one label cannot say "
         "both"},
        {"host_addresses: [10.0.0.1, 10.0.0.2]\n",
         "f:1:17: host_addresses may hold one IPv4 and one IPv6 address: the node's own towards "
         "its pods"},
        // tunnels
        {"datapath: {inbound: {ztunnel_address4: 192.168.126.1}}\n",
         "f:1:40: datapath.inbound.ztunnel_address4 must differ from "
         "datapath.inbound.node_address4: the tunnel has two "
         "ends"},
        {"datapath: {inbound: {node_address4: 10.0.0.1}}\n",
         "f:1:21: datapath.inbound.ztunnel_address4 must be in 10.0.0.0/30, the node's prefix "
         "inside the tunnel"},
        {"datapath: {outbound: {ztunnel_address6: 'fd00:128::2'}}\n",
         "f:1:41: datapath.outbound.ztunnel_address6 must be in fd00:127::/126, the node's prefix "
         "inside the tunnel"},
        {"datapath: {inbound: {ztunnel_address4: 192.168.126.3}}\n",
         "f:1:40: 192.168.126.3 is the first or the last address of 192.168.126.0/30; take one "
         "between them"},
        {"datapath: {outbound: {node_address4: 192.168.127.0, ztunnel_address4: 192.168.127.2}}\n",
         "f:1:71: 192.168.127.0 is the first or the last address of 192.168.127.0/30; take one "
         "between them"},
        {"datapath: {inbound: {prefix_length4: 16}}\n",
         "f:1:11: the outbound tunnel's prefix 192.168.127.0/30 overlaps the inbound one's "
         "192.168.0.0/16"},
        {"datapath: {outbound: {node_address6: 'fd00:126::1', ztunnel_address6: 'fd00:126::2'}}\n",
         "f:1:38: the outbound tunnel's prefix fd00:126::/126 overlaps the inbound one's "
         "fd00:126::/126"},
        // routing
        {"datapath: {tables: {outbound: 105}}\n",
         "f:1:20: datapath.tables.outbound and datapath.tables.lanes are both 105; they must "
         "differ"},
        {"datapath: {marks: {lanes: 0x8/0x8}}\n",
         "f:1:27: datapath.marks.lanes must be 0/ and a mask of 2 to 4 bits, 0x0/0xc for example: "
         "lanes are numbered in them"},
        {"datapath: {marks: {lanes: 0x0/0x60}}\n",
         "f:1:19: datapath.marks.lanes and datapath.marks.to_ztunnel share the bits 0x40; give "
         "them bits of their own"},
        {"datapath: {tables: {to_ztunnel: 100}}\n",
         "f:1:33: datapath.tables.inbound and datapath.tables.to_ztunnel are both 100; they must "
         "differ"},
        {"datapath: {tables: {outbound: 254}}\n",
         "f:1:31: datapath.tables.outbound must not be 254: 253 to 255 are the kernel's own "
         "tables"},
        {"datapath: {priorities: {outbound: 102}}\n",
         "f:1:24: datapath.priorities.to_ztunnel must be greater than "
         "datapath.priorities.outbound: the "
         "kernel takes rules in "
         "this order"},
        {"datapath: {priorities: {ztunnel_reply: 20000}}\n",
         "f:1:40: datapath.priorities.ztunnel_reply and ztunnel_tproxy must differ"},
        // marks
        {"datapath: {marks: {outbound: 0x0/0x100}}\n",
         "f:1:30: datapath.marks.outbound must not be 0: every packet has that mark"},
        {"datapath: {marks: {outbound: 0x300/0x300}}\n",
         "f:1:19: datapath.marks.outbound and datapath.marks.skip share the bits 0x200; give them "
         "bits of their own"},
        {"datapath: {marks: {inbound: 0x40/0x40}}\n",
         "f:1:19: datapath.marks.inbound and datapath.marks.to_ztunnel share the bits 0x40; give "
         "them bits of their own"},
        {"datapath: {marks: {to_ztunnel: 0x20/0x20, skip_connection: 0xa00/0xa00}}\n",
         "f:1:32: datapath.marks.arriving and datapath.marks.to_ztunnel share the bits 0x20; give "
         "them bits of their own"},
        {"datapath: {marks: {to_ztunnel: 0x10/0x10}}\n",
         "f:1:19: datapath.marks.to_ztunnel and datapath.marks.original_source share the bits "
         "0x10; give them bits of "
         "their own"},
        {"datapath: {marks: {skip_connection: 0x20/0x20}}\n",
         "f:1:37: datapath.marks.skip_connection must set the bits of datapath.marks.skip "
         "(0x200/0x200): its packets "
         "skip our routes"},
        {"datapath: {marks: {original_source: 0x230/0x230, arriving: 0x1000/0x1000}}\n",
         "f:1:37: datapath.marks.skip_connection (0x220/0x220) and datapath.marks.original_source "
         "(0x230/0x230) cannot "
         "be told apart; let each have a bit that the other has not"},
        {"datapath: {marks: {original_reply: 0x400/0xfff}}\n",
         "f:1:36: datapath.marks.tproxy (0x400/0xfff) and datapath.marks.original_reply "
         "(0x400/0xfff) cannot be told "
         "apart; let each have a bit that the other has not"},
    };
    for (const Case& c : cases) {
        CAPTURE(std::string(c.yaml));
        CHECK(refusal(c.yaml) == c.refusal);
    }
}

TEST_CASE("a unix socket's path has a limit") {
    CHECK(refusal("socket: /" + std::string(106, 'x') + "\n") == "accepted");
    CHECK(refusal("socket: /" + std::string(107, 'x') + "\n") ==
          "f:1:9: socket must have less than 108 characters: the kernel's limit for a unix "
          "socket's path");
}

TEST_CASE("a /31 has two hosts") {
    CHECK(refusal("datapath: {inbound: {prefix_length4: 31, node_address4: 192.168.126.0, "
                  "ztunnel_address4: 192.168.126.1}}\n") == "accepted");
}

TEST_CASE("device names that the kernel refuses") {
    for (const char* name :
         {"'.'", "'..'", "'a b'", "'a:b'", "'a%d'", "'\"'", "'\\\\'", "\"a\\tb\"", "ä"}) {
        CAPTURE(name);
        CHECK(refusal(std::string("datapath: {inbound: {node_link: ") + name + "}}\n")
                  .find("is not a device name") != std::string::npos);
    }
    CHECK(refusal("datapath: {inbound: {node_link: fifteen-letters}}\n") == "accepted");
}

}  // namespace
}  // namespace ambient::config
