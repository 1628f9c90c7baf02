// The keeper on a node with a ztunnel and two pods: what it makes of a kernel in which something is
// away or in the way.
#include "node-agent/datapath/keeper.hpp"

#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include <doctest/doctest.h>

#include "common/config/agent_config.hpp"
#include "common/netlink/monitor.hpp"
#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

// Its end of the veth is "h" with the address's last number.
Netns wired(const std::string& address) {
    auto netns = new_netns();
    const auto link = "h" + address.substr(address.rfind('.') + 1);
    must_run("ip link add " + link + " type veth peer name eth0 netns " + path_of(netns));
    must_run("ip link set " + link + " up");
    must_run("ip addr add 10.244.1.1/32 dev " + link);
    must_run("ip route add " + address + " dev " + link);
    const Inside inside(netns);
    must_run("ip link set lo up");
    must_run("ip addr add " + address + "/32 dev eth0");
    must_run("ip link set eth0 up");
    return netns;
}

kube::Pod pod_at(const std::string& address, std::string name) {
    return {.namespace_name = "shop",
            .name = name,
            .uid = "uid-" + name,
            .phase = "Running",
            .ready = true,
            .addresses = {ip(address)}};
}

struct KeeperSandbox : Sandbox {
    std::optional<Netns> ztunnel = wired("10.244.1.10");
    Netns first = wired("10.244.1.11");
    Netns second = wired("10.244.1.12");
    config::AgentConfig config = made_config();
    agent::PodTable pods{config.policy, ""};
    kube::Objects objects = made_objects();
    std::optional<agent::Keeper> keeper;

    KeeperSandbox() {
        pods.replace(objects);
        auto opened = agent::Keeper::open(config, pods);
        REQUIRE(opened);
        keeper.emplace(*std::move(opened));
    }
    ~KeeperSandbox() { std::filesystem::remove_all(config.state_dir); }
    KeeperSandbox(const KeeperSandbox&) = delete;
    KeeperSandbox& operator=(const KeeperSandbox&) = delete;

    static config::AgentConfig made_config() {
        config::AgentConfig made;
        made.state_dir = std::filesystem::temp_directory_path() /
                         ("ambient-keeper-" + std::to_string(::getpid()));
        return made;
    }
    kube::Objects made_objects() {
        auto proxy = pod_at("10.244.1.10", "ztunnel");
        proxy.namespace_name = "istio-system";
        proxy.labels = {{"app", "ztunnel"}};
        proxy.service_account = "ztunnel";
        proxy.netns_path = path_of(*ztunnel);
        return {
            .namespaces = {{.name = "istio-system"},
                           {.name = "shop", .labels = {{"istio.io/dataplane-mode", "ambient"}}}},
            .pods = {proxy, pod_at("10.244.1.11", "first"), pod_at("10.244.1.12", "second")}};
    }

    void settle() {
        keeper->forget_links();
        const auto settled = keeper->settle();
        if (!settled) FAIL(describe(settled.error()));
    }
    agent::PodCapture capture_of(const std::string& name) {
        return keeper->capture_of({"shop", name}).value();
    }
    static bool in_set(const std::string& address) {
        return must_run("nft list table inet ambient").find(address + " comment") !=
               std::string::npos;
    }
};

TEST_SUITE_BEGIN("geneve");

TEST_CASE_FIXTURE(KeeperSandbox, "a captured pod stays so when the way to it is away") {
    settle();
    REQUIRE(capture_of("first").captured);
    for (const std::string route : {"", "blackhole", "prohibit", "unreachable"}) {
        CAPTURE(route);
        must_run("ip route flush 10.244.1.11");
        if (!route.empty()) must_run("ip route add " + route + " 10.244.1.11");
        settle();
        CHECK(capture_of("first").captured);
        CHECK(in_set("10.244.1.11"));
        // By itself, too.
        keeper->forget_links();
        REQUIRE(keeper->settle({ip("10.244.1.11")}, false));
        CHECK(in_set("10.244.1.11"));
    }
    // Another agent, which has captured nobody yet.
    auto opened = agent::Keeper::open(config, pods);
    REQUIRE(opened);
    keeper.emplace(*std::move(opened));
    REQUIRE(keeper->recover());
    settle();
    CHECK(in_set("10.244.1.11"));
    // Only the source lets it go.
    objects.pods.erase(objects.pods.begin() + 1);
    pods.replace(objects);
    settle();
    CHECK_FALSE(in_set("10.244.1.11"));
}

TEST_CASE_FIXTURE(KeeperSandbox, "without any policy rule nobody is let go") {
    settle();
    must_run("ip rule flush");
    keeper->forget_links();
    (void)keeper->settle();  // no way to the ztunnel either
    CHECK(in_set("10.244.1.11"));
    CHECK(in_set("10.244.1.12"));
}

TEST_CASE_FIXTURE(KeeperSandbox, "a pod that cannot be captured is its own trouble") {
    must_run("ip route flush 10.244.1.11");
    must_run("ip route add blackhole 10.244.1.11");
    settle();
    CHECK_FALSE(capture_of("first").captured);
    CHECK(capture_of("first").obstacle.contains("10.244.1.11"));
    CHECK_FALSE(in_set("10.244.1.11"));
    CHECK(capture_of("second").captured);
}

TEST_CASE_FIXTURE(KeeperSandbox, "an address of a family that is not captured is told so") {
    must_run("ip route add fd00::12 dev h12");
    objects.pods[2].addresses.push_back(ip("fd00::12"));
    pods.replace(objects);
    settle();
    CHECK(in_set("10.244.1.12"));
    CHECK(capture_of("first").captured);
    CHECK_FALSE(capture_of("second").captured);
    CHECK(capture_of("second").obstacle.contains("IPv6"));
    CHECK(capture_of("second").is_nodes);
    // By itself, too.
    REQUIRE(keeper->settle({ip("fd00::12")}, true));
    CHECK_FALSE(capture_of("second").captured);
    // A pod of which nothing can be captured does not start as if it were.
    CHECK(keeper->part_of({ip("10.244.1.12"), ip("fd00::12")}));
    const auto nothing = keeper->part_of({ip("fd00::12")});
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().object == "IPv6");
}

TEST_CASE_FIXTURE(KeeperSandbox, "a foreign host route is that pod's trouble") {
    must_run("ip route add 10.244.1.11 dev h11 table 100 proto 4");
    settle();
    CHECK(keeper->ready());
    CHECK_FALSE(capture_of("first").captured);
    CHECK(
        capture_of("first").obstacle ==
        "not ours, but where ours must be: route 10.244.1.11 dev h11 table 100 proto 4 scope link");
    CHECK_FALSE(in_set("10.244.1.11"));
    CHECK(capture_of("second").captured);
    CHECK(keeper->conflict_of({ip("10.244.1.11")}));
    CHECK_FALSE(keeper->conflict_of({ip("10.244.1.12")}));
    must_run("ip route del 10.244.1.11 table 100");
    REQUIRE(keeper->settle({ip("10.244.1.11")}, true));
    CHECK(capture_of("first").captured);
    CHECK(in_set("10.244.1.11"));
}

TEST_CASE_FIXTURE(KeeperSandbox, "a foreign rule beside ours is named, and hinders nobody") {
    must_run("ip rule add pref 101 from 10.9.0.0/16 lookup 77 protocol 4");
    settle();
    CHECK(keeper->ready());
    CHECK(capture_of("first").captured);
    REQUIRE(keeper->remark());
    CHECK(keeper->remark()->object == "rule 101: from 10.9.0.0/16 lookup 77 proto 4");
    must_run("ip rule del pref 101 from 10.9.0.0/16");
    settle();
    CHECK_FALSE(keeper->remark());
}

TEST_CASE_FIXTURE(KeeperSandbox, "a foreign link under our name is everybody's trouble") {
    must_run("ip link add istioin type bridge");
    const auto settled = keeper->settle();
    REQUIRE_FALSE(settled);
    CHECK(settled.error().kind == ErrorKind::conflict);
    CHECK(must_run("nft list ruleset").empty());
}

TEST_CASE_FIXTURE(KeeperSandbox, "trouble in the ztunnel's namespace does not hold up the node's") {
    settle();
    {
        const Inside there(*ztunnel);
        must_run("ip link del pistioin");
        must_run("ip link add pistioin type bridge");
    }
    must_run("ip rule del pref 101");
    const auto settled = keeper->settle();
    REQUIRE_FALSE(settled);
    CHECK(settled.error().object.contains("pistioin"));
    CHECK_FALSE(keeper->ready());
    CHECK(must_run("ip rule").contains("101:"));
    CHECK(capture_of("first").captured);
}

TEST_CASE_FIXTURE(KeeperSandbox, "a ztunnel that is shown no longer is let go, and its namespace") {
    settle();
    REQUIRE(keeper->ztunnel_netns() != nullptr);
    auto monitor = netlink::Monitor::open(netns);
    REQUIRE(monitor);
    objects.pods.erase(objects.pods.begin());
    pods.replace(objects);
    ztunnel.reset();
    CHECK_FALSE(keeper->settle());
    CHECK(keeper->ztunnel_netns() == nullptr);
    // With the namespace's end that of the veth comes.
    while (must_run("ip -br link").find("h10") != std::string::npos) {
        pollfd waiting{.fd = monitor->fd(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&waiting, 1, 20'000) == 1);
        REQUIRE(monitor->drain({}));
    }
    CHECK(in_set("10.244.1.11"));  // captured pods wait for the next one
}

TEST_SUITE_END();

}  // namespace
}  // namespace ambient::test
