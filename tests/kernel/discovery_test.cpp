#include "node-agent/datapath/discovery.hpp"

#include <unistd.h>

#include <filesystem>

#include <doctest/doctest.h>

#include "common/config/agent_config.hpp"
#include "node-agent/datapath/keeper.hpp"
#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

kube::Pod ztunnel_at(const std::string& address) {
    return {.namespace_name = "istio-system",
            .name = "ztunnel",
            .uid = "uid-ztunnel",
            .labels = {{"app", "ztunnel"}},
            .service_account = "ztunnel",
            .phase = "Running",
            .ready = true,
            .addresses = {ip(address)}};
}

// A node with the pod 10.244.1.10 behind a veth, 10.244.2.0/24 behind a bridge, and the world
// behind a gateway.
struct WiredSandbox : Sandbox {
    Netns pod = new_netns();
    agent::Discovery discovery{Facts::open(netns).value(), {}, desired::Datapath()};

    WiredSandbox() {
        must_run("ip link add host type veth peer name eth0");
        must_run("ip link set eth0 netns " + path_of(pod));
        must_run("ip link set host up");
        must_run("ip addr add 10.244.1.1/32 dev host");
        must_run("ip route add 10.244.1.10 dev host");
        must_run("ip link add cni0 up type bridge");
        must_run("ip addr add 10.244.2.1/24 dev cni0");
        must_run("ip route add default via 10.244.2.254 dev cni0");
        const Inside inside_pod(pod);
        must_run("ip addr add 10.244.1.10/32 dev eth0");
        must_run("ip link set eth0 up");
    }
};

TEST_CASE_FIXTURE(WiredSandbox, "a pod is found by the veth that leads to it") {
    CHECK(discovery.host_link(ip("10.244.1.10")) == "host");
    const auto nowhere = discovery.host_link(ip("192.0.2.1"));
    REQUIRE(!nowhere);
    CHECK(nowhere.error().kind == ErrorKind::not_found);
}

TEST_CASE_FIXTURE(WiredSandbox, "a pod is found by its veth past the rules of version 0.1.0") {
    must_run("ip rule add pref 100 fwmark 0x200/0x200 goto 32766 protocol 122");
    must_run("ip rule add pref 103 lookup 100 protocol 122");
    must_run("ip route add 10.244.1.10 via 10.244.2.2 dev cni0 table 100 proto 122");
    CHECK(discovery.host_link(ip("10.244.1.10")) == "host");
}

TEST_CASE_FIXTURE(WiredSandbox, "a ztunnel's veth without an IPv4 address but ours lacks one") {
    const auto lacks = [&] { return discovery.ztunnel(ztunnel_at("10.244.1.10"))->lacks_address; };
    CHECK(!lacks());
    must_run("ip addr del 10.244.1.1/32 dev host");
    CHECK(lacks());
    must_run("ip addr add 192.168.126.1/32 dev host scope host");
    must_run("ip -6 addr add fd00::1/64 dev host nodad");
    CHECK(lacks());
    must_run("ip addr add 192.0.2.1/32 dev host");
    CHECK(!lacks());
}

// Calico sets route_localnet on pods' veths: then the kernel takes an address of scope host as a
// source (net/ipv4/devinet.c, inet_select_addr).
TEST_CASE_FIXTURE(WiredSandbox, "what only we have given to a veth is no address of the node") {
    const auto towards_pods = [&] {
        return discovery.host_addresses(ztunnel_at("10.244.1.10")).value();
    };
    must_run("ip addr del 10.244.1.1/32 dev host");
    must_run("ip route replace 10.244.1.10 dev host");
    const auto before = towards_pods();
    CHECK(before == std::vector{ip("10.244.2.1")});
    must_run("sysctl -w net.ipv4.conf.host.route_localnet=1");
    must_run("ip addr add 192.168.126.1/32 dev host scope host");
    REQUIRE(must_run("ip route get 10.244.1.10").contains("src 192.168.126.1"));
    CHECK(towards_pods() == before);
    must_run("ip addr add 10.244.2.1/32 dev host scope host");
    CHECK(towards_pods() == before);
}

TEST_CASE_FIXTURE(WiredSandbox, "what was found is kept until it is forgotten") {
    CHECK(discovery.host_link(ip("10.244.1.10")) == "host");
    must_run("ip link set host down");  // before Linux 6.2 a device that is up keeps its name
    must_run("ip link set host name other");
    must_run("ip link set other up");
    must_run("ip route add 10.244.1.10 dev other");
    CHECK(discovery.host_link(ip("10.244.1.10")) == "host");
    discovery.forget(ip("10.244.1.10"));
    CHECK(discovery.host_link(ip("10.244.1.10")) == "other");
}

TEST_CASE_FIXTURE(WiredSandbox, "the ztunnel's namespace must hold its address") {
    auto ztunnel = ztunnel_at("10.244.1.10");
    ztunnel.netns_path = path_of(pod);
    const auto site = discovery.locate(ztunnel, {ip("10.244.1.1")});
    REQUIRE(site);
    CHECK(site->netns.id() == pod.id());
    CHECK(site->facts.link == "eth0");
    ztunnel.netns_path = path_of(netns);
    const auto wrong = discovery.locate(ztunnel, {ip("10.244.1.1")});
    REQUIRE(!wrong);
    CHECK(wrong.error().kind == ErrorKind::not_found);
}

TEST_CASE_FIXTURE(WiredSandbox, "a bridged ztunnel is refused before any write (U11)") {
    config::AgentConfig config;
    config.state_dir = std::filesystem::temp_directory_path() / "ambient-bridged";
    agent::PodTable pods(config.policy, "");
    pods.replace({.namespaces = {}, .pods = {ztunnel_at("10.244.2.10")}});
    auto keeper = agent::Keeper::open(config, pods);
    REQUIRE(keeper);
    // The kernel gives devices that are new their link-local addresses and routes, when it gets to
    // it: what is IPv6 counts when it is not of that kind.
    const auto state = [] {
        return must_run("ip link") + must_run("ip addr show scope global") + must_run("ip rule") +
               must_run("ip -6 rule") + must_run("ip -4 route show table all") +
               must_run("ip -6 route show table all proto 122") + must_run("nft list ruleset");
    };
    const auto before = state();
    const auto settled = keeper->settle();
    REQUIRE(!settled);
    CHECK(settled.error().kind == ErrorKind::unsupported);
    CHECK(describe(settled.error()).find("cni0") != std::string::npos);
    CHECK(state() == before);
    CHECK(!std::filesystem::exists(config.state_dir));
}

}  // namespace
}  // namespace ambient::test
