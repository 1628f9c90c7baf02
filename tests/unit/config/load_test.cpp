#include "common/config/load.hpp"

#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ambient::config {
namespace {

std::string refusal(const std::string& yaml) {
    const auto config = parse(yaml, "agent.yaml");
    if (config) return "accepted";
    CHECK(config.error().kind == ErrorKind::invalid_input);
    return describe(config.error());
}

TEST_CASE("the example file loads, and its values are the defaults") {
    std::array<char, 256> host{};
    REQUIRE(::gethostname(host.data(), host.size() - 1) == 0);
    AgentConfig expected;
    expected.node_name = host.data();
    const auto loaded = load("manifests/config/agent.yaml");
    REQUIRE_MESSAGE(loaded.has_value(), describe(loaded.error()));
    CHECK(*loaded == expected);
}

TEST_CASE("an empty file is the defaults") {
    for (const char* yaml : {"", "---\n", "# nothing\n", "~\n"}) {
        const auto config = parse(yaml, "agent.yaml");
        REQUIRE(config.has_value());
        CHECK(*config == AgentConfig{});
    }
}

TEST_CASE("every field is read") {
    const auto config = parse(R"(
node_name: a
source: {kind: kubernetes, files: /tmp/objects.yaml, kubeconfig: /tmp/kubeconfig}
install: {enabled: true, plugin: /p, cni_bin_dir: /b, cni_conf_dir: /c, on_agent_unavailable: allow}
health: {address: "::", port: 65535}
status: {annotate: false, events: false}
sidecar: {repair: off}
taint: t/k
daemonset: ns/agent
refused_token_uninstalls: true
sysctl_dir: /s
socket: /tmp/agent.sock
state_dir: /tmp/state
log: {level: debug, format: json}
resync_seconds: 5
host_addresses: [10.0.0.1, "fd00::1"]
datapath:
  inbound: {node_link: in, ztunnel_link: zin, vni: 1, node_address4: 10.9.0.1, ztunnel_address4: 10.9.0.2, prefix_length4: 24,
            node_address6: "fd09::1", ztunnel_address6: "fd09::2", prefix_length6: 64}
  outbound: {node_link: out, ztunnel_link: zout, vni: 2, node_address4: 10.9.1.1, ztunnel_address4: 10.9.1.2, prefix_length4: 25,
             node_address6: "fd0a::1", ztunnel_address6: "fd0a::2", prefix_length6: 65}
  geneve_port: 7000
  marks: {outbound: 0x1000/0x1000, inbound: 0x800/0x800, skip: 0x2000/0x2000, skip_connection: 0x6000/0x6000, arriving: 0x4000/0x4000, lanes: 0x0/0x60, original_source: 0xa000/0xa000,
          to_ztunnel: 0x10/0x10, tproxy: 0x1/0xf, original_reply: 0x2/0xf}
  tables: {inbound: 200, outbound: 201, to_ztunnel: 0xca, lanes: 0xd2, ztunnel_local: 203}
  priorities: {outbound: 11, to_ztunnel: 12, inbound: 13, ztunnel_tproxy: 14, ztunnel_reply: 15}
  ports: {outbound: 1, inbound_plaintext: 2, inbound_hbone: 3, dns: 4}
  filter: {table: mesh, pods4: p4, pods6: p6}
  protocol: 200
policy:
  dataplane_label: l
  ambient_value: "on"
  none_value: "off"
  redirect_sidecars: true
  sidecar_annotation: s
  redirection_annotation: r
  redirection_disabled: d
  without_ztunnel: reset
  without_ztunnel_annotation: wa
  ztunnel_label: zl
  ztunnel_value: zv
  ztunnel_namespace: zn
  ztunnel_service_account: zs
  dns_capture_env: E
  excluded_namespaces: []
)",
                              "agent.yaml");
    REQUIRE_MESSAGE(config.has_value(), describe(config.error()));
    const auto ip = [](const char* text) { return IpAddress::parse(text).value(); };
    AgentConfig expected{
        .node_name = "a",
        .source = {.kind = SourceKind::kubernetes,
                   .files = "/tmp/objects.yaml",
                   .kubeconfig = "/tmp/kubeconfig"},
        .socket = "/tmp/agent.sock",
        .state_dir = "/tmp/state",
        .sysctl_dir = "/s",
        .log = {.level = LogLevel::debug, .format = LogFormat::json},
        .install = {.enabled = true,
                    .plugin = "/p",
                    .cni_bin_dir = "/b",
                    .cni_conf_dir = "/c",
                    .on_agent_unavailable = WithoutAgent::allow},
        .health = {.address = ip("::"), .port = 65535},
        .status = {.annotate = false, .events = false},
        .sidecar = {.repair = SidecarRepair::off},
        .taint = "t/k",
        .daemonset = "ns/agent",
        .refused_token_uninstalls = true,
        .resync = std::chrono::seconds(5),
        .host_addresses = {ip("10.0.0.1"), ip("fd00::1")},
        .policy = {.dataplane_label = "l",
                   .ambient_value = "on",
                   .none_value = "off",
                   .redirect_sidecars = true,
                   .sidecar_annotation = "s",
                   .redirection_annotation = "r",
                   .redirection_disabled = "d",
                   .without_ztunnel = desired::WithoutZtunnel::reset,
                   .without_ztunnel_annotation = "wa",
                   .ztunnel_label = "zl",
                   .ztunnel_value = "zv",
                   .ztunnel_namespace = "zn",
                   .ztunnel_service_account = "zs",
                   .dns_capture_env = "E",
                   .excluded_namespaces = {}},
    };
    auto& d = expected.datapath;
    d.inbound = {"in",          "zin",         1, ip("10.9.0.1"), ip("10.9.0.2"), 24,
                 ip("fd09::1"), ip("fd09::2"), 64};
    d.outbound = {"out",         "zout",        2, ip("10.9.1.1"), ip("10.9.1.2"), 25,
                  ip("fd0a::1"), ip("fd0a::2"), 65};
    d.geneve_port = 7000;
    d.marks = {.outbound = Mark::bits(0x1000),
               .inbound = Mark::bits(0x800),
               .skip = Mark::bits(0x2000),
               .skip_connection = Mark::bits(0x6000),
               .arriving = Mark::bits(0x4000),
               .original_source = Mark::bits(0xa000),
               .to_ztunnel = Mark::bits(0x10),
               .lanes = {.value = 0, .mask = 0x60},
               .tproxy = {.value = 1, .mask = 0xf},
               .original_reply = {.value = 2, .mask = 0xf}};
    d.tables = {
        .inbound = 200, .outbound = 201, .to_ztunnel = 202, .lanes = 210, .ztunnel_local = 203};
    d.priorities = {11, 12, 13, 14, 15};
    d.ports = {1, 2, 3, 4};
    d.filter = {.table = "mesh", .pods4 = "p4", .pods6 = "p6"};
    d.protocol = 200;
    CHECK(*config == expected);
}

TEST_CASE("what is not understood is refused at its place") {
    struct Case {
        const char* yaml;
        const char* refusal;
    };
    const std::vector<Case> cases = {
        {"nodename: a\n",
         "agent.yaml:1:1: there is no field 'nodename'; the fields here are node_name, source, "
         "install, health, status, sidecar, taint, daemonset, refused_token_uninstalls, socket, "
         "state_dir, "
         "sysctl_dir, log, resync_seconds, host_addresses, datapath, policy"},
        {"log:\n  level: info\n  colour: red\n",
         "agent.yaml:3:3: there is no field 'colour' in log; the fields here are level, format"},
        {"install: {enabled: yes}\n",
         "agent.yaml:1:20: install.enabled must be true or false, not 'yes'"},
        {"install: {enabled: \"true\"}\n",
         "agent.yaml:1:20: install.enabled must be true or false, not 'true'"},
        {"health: {address: localhost}\n",
         "agent.yaml:1:19: health.address must be an IP address, not 'localhost'"},
        {"health: {port: 65536}\n",
         "agent.yaml:1:16: health.port must be a number from 0 to 65535, not '65536'"},
        {"source: {kind: api}\n",
         "agent.yaml:1:16: source.kind must be one of files, kubernetes, not 'api'"},
        {"log: {level: loud}\n",
         "agent.yaml:1:14: log.level must be one of debug, info, warning, error, not 'loud'"},
        {"log: {level: [info]}\n",
         "agent.yaml:1:14: log.level must be one of debug, info, warning, error, not a list"},
        {"log: info\n", "agent.yaml:1:6: log must be a mapping, not 'info'"},
        {"log:\n", "agent.yaml:1:1: log must be a mapping, not nothing"},
        {"- a\n", "agent.yaml:1:1: a configuration must be a mapping, not a list"},
        {"hello\n", "agent.yaml:1:1: a configuration must be a mapping, not 'hello'"},
        {"node_name: ''\n",
         "agent.yaml:1:12: node_name must be text; remove the field for its default, not ''"},
        {"node_name: {}\n", "agent.yaml:1:12: node_name must be text, not a mapping"},
        {"node_name:\n", "agent.yaml:1:1: node_name must be text, not nothing"},
        {"resync_seconds: 0\n",
         "agent.yaml:1:17: resync_seconds must be a number from 1 to 86400, not '0'"},
        {"resync_seconds: soon\n",
         "agent.yaml:1:17: resync_seconds must be a number from 1 to 86400, not 'soon'"},
        {"resync_seconds: -1\n",
         "agent.yaml:1:17: resync_seconds must be a number from 1 to 86400, not '-1'"},
        {"resync_seconds: 1.5\n",
         "agent.yaml:1:17: resync_seconds must be a number from 1 to 86400, not '1.5'"},
        {"resync_seconds: \"30\"\n",
         "agent.yaml:1:17: resync_seconds must be a number from 1 to 86400 without quotes, not "
         "'30'"},
        {"datapath: {geneve_port: 65536}\n",
         "agent.yaml:1:25: datapath.geneve_port must be a number from 1 to 65535, not '65536'"},
        {"datapath: {protocol: 4}\n",
         "agent.yaml:1:22: datapath.protocol must be a number from 5 to 255, not '4'"},
        {"datapath: {inbound: {vni: 16777216}}\n",
         "agent.yaml:1:27: datapath.inbound.vni must be a number from 0 to 16777215, not "
         "'16777216'"},
        {"datapath: {inbound: {prefix_length4: 32}}\n",
         "agent.yaml:1:38: datapath.inbound.prefix_length4 must be a number from 8 to 31, not "
         "'32'"},
        {"datapath: {inbound: {node_address4: 'fd00::1'}}\n",
         "agent.yaml:1:37: datapath.inbound.node_address4 must be an IPv4 address, not 'fd00::1'"},
        {"datapath: {inbound: {node_address6: 10.0.0.1}}\n",
         "agent.yaml:1:37: datapath.inbound.node_address6 must be an IPv6 address, not '10.0.0.1'"},
        {"host_addresses: [10.0.0.256]\n",
         "agent.yaml:1:18: host_addresses must be a list of IP addresses, not '10.0.0.256'"},
        {"host_addresses: 10.0.0.1\n",
         "agent.yaml:1:17: host_addresses must be a list of IP addresses, not '10.0.0.1'"},
        {"policy: {excluded_namespaces: [a, {}]}\n",
         "agent.yaml:1:35: policy.excluded_namespaces must be a list of words, not a mapping"},
        {"datapath: {marks: {skip: 0x300/0x200}}\n",
         "agent.yaml:1:26: datapath.marks.skip must be a mark as value/mask, 0x200/0x200 for "
         "example, whose value has no "
         "bit outside its mask, not '0x300/0x200'"},
        {"node_name: a\nsocket: /a\nnode_name: b\n",
         "agent.yaml:3:1: 'node_name' is here a second time, first in line 1; remove one"},
        {"? [a]\n: b\n", "agent.yaml:1:3: a field's name must be a word"},
        {"node_name: a\n---\nnode_name: b\n",
         "agent.yaml:2:1: only one YAML document is allowed here; remove the others"},
        {"node_name: &n a\nsocket: *n\n",
         "agent.yaml:2:9: aliases are not supported; write the value out"},
        {"log: {level: info\n", "agent.yaml:2:1: not valid YAML: end of map flow not found"},
        {"a: b: c\n", "agent.yaml:1:5: not valid YAML: illegal map value"},
    };
    for (const Case& c : cases) {
        CAPTURE(std::string(c.yaml));
        CHECK(refusal(c.yaml) == c.refusal);
    }
}

TEST_CASE("a long value is shown shortened") {
    const std::string text = refusal("resync_seconds: " + std::string(1000, 'x') + "\n");
    CHECK(text.ends_with("not '" + std::string(60, 'x') + "...'"));
}

TEST_CASE("the first problem is the one that is told") {
    CHECK(refusal("resync_seconds: x\nlog: {level: y}\nwhat: z\n")
              .starts_with("agent.yaml:1:17: resync_seconds"));
}

TEST_CASE("bounds: size and depth") {
    CHECK(refusal(std::string((1 << 20) + 1, '#')) ==
          "agent.yaml:1:1: is larger than 1048576 bytes: not a configuration");
    CHECK(refusal(std::string(100'000, '[')).starts_with("agent.yaml:1:"));
}

TEST_CASE("a file that cannot be read") {
    const auto missing = load("tests/unit/config/no-such-file.yaml");
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().kind == ErrorKind::not_found);
    CHECK(describe(missing.error()) ==
          "read file tests/unit/config/no-such-file.yaml: No such file or directory");
    const auto folder = load("tests/unit/config");
    REQUIRE_FALSE(folder.has_value());
    CHECK(folder.error().kind == ErrorKind::io);
}

}  // namespace
}  // namespace ambient::config
