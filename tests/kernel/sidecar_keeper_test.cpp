// Sidecar pods of a node, each a namespace: what the keeper makes of rules that are away, changed,
// or in another's way.
#include "node-agent/datapath/sidecar_keeper.hpp"

#include <unistd.h>

#include <optional>

#include <doctest/doctest.h>

#include "tests/kernel/command.hpp"
#include "tests/kernel/sandbox.hpp"
#include "tests/kernel/values.hpp"

namespace ambient::test {
namespace {

// A pod's namespace, mounted below /run/netns; the node reaches its address by a veth.
class PodNetns {
  public:
    PodNetns(const std::string& name, const std::string& address)
        : name_("sidecar-" + std::to_string(::getpid()) + "-" + name) {
        must_run("ip netns add " + name_);
        inside("ip link set lo up");
        must_run("ip link add h-" + name + " type veth peer name eth0 netns " + name_);
        must_run("ip link set h-" + name + " up");
        inside("ip addr add " + address + "/32 dev eth0");
        // Else the kernel adds addresses and routes there in its own time.
        inside("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1");
        inside("ip link set eth0 up");
    }
    ~PodNetns() { run({"ip", "netns", "delete", name_}); }
    PodNetns(const PodNetns&) = delete;
    PodNetns& operator=(const PodNetns&) = delete;

    std::string inside(const std::string& line) const {
        return must_run("ip netns exec " + name_ + " " + line);
    }
    std::string state() const {
        return inside("nft --stateless list ruleset") + inside("ip -4 rule") +
               inside("ip -6 rule") + inside("ip route show table all");
    }
    Netns open() const { return Netns::open("/run/netns/" + name_).value(); }

  private:
    std::string name_;
};

kube::Pod sidecar_pod(const std::string& name, const std::string& address) {
    kube::Pod pod{.namespace_name = "shop",
                  .name = name,
                  .uid = "uid-" + name,
                  .annotations = {{"sidecar.istio.io/status", "{}"}},
                  .phase = "Running",
                  .addresses = {ip(address)}};
    pod.proxy.emplace().args = {"proxy", "sidecar"};
    return pod;
}

struct SidecarSandbox : Sandbox {
    PodNetns first{"a", "10.244.1.11"};
    PodNetns second{"b", "10.244.1.12"};
    config::AgentConfig config;
    kube::Objects objects = {
        .namespaces = {{.name = "shop"}},
        .pods = {sidecar_pod("first", "10.244.1.11"), sidecar_pod("second", "10.244.1.12")}};
    std::optional<agent::PodTable> pods;
    std::optional<agent::SidecarKeeper> keeper;

    SidecarSandbox() { start(); }

    // A new agent.
    void start() {
        config.policy.redirect_sidecars = true;
        pods.emplace(config.policy, "");
        auto opened = agent::SidecarKeeper::open(config, *pods);
        REQUIRE(opened);
        keeper.emplace(*std::move(opened));
        look();
    }
    void look() {
        pods->replace(objects);
        keeper->look_at_all();
        settle();
    }
    void settle() {
        while (keeper->has_work())
            keeper->settle_next();
    }
    std::string trouble_of(const std::string& name) {
        const auto trouble = keeper->trouble_of({"shop", name});
        return trouble ? trouble->obstacle : "";
    }
    std::uint64_t repairs(const std::string& found) { return keeper->stats().repairs[found]; }
};

const std::string kTable = "table inet ambient-sidecar";

TEST_CASE_FIXTURE(SidecarSandbox, "pods that started without us get their rules") {
    CHECK(first.state().contains(kTable));
    CHECK(second.state().contains(kTable));
    CHECK(keeper->stats().right == 2);
    CHECK(repairs("missing") == 2);
    const auto before = first.state();
    look();
    CHECK(first.state() == before);
    CHECK(repairs("missing") == 2);
    CHECK(repairs("different") == 0);
    CHECK(keeper->stats().drift.empty());
}

TEST_CASE_FIXTURE(SidecarSandbox, "what somebody takes away or changes is put back") {
    const auto whole = first.state();
    const auto other = second.state();
    first.inside("nft delete " + kTable);
    look();
    CHECK(first.state() == whole);
    first.inside("nft add rule inet ambient-sidecar nat_output accept");
    look();
    CHECK(first.state() == whole);
    CHECK(repairs("different") == 1);
    first.inside("nft flush " + kTable);
    start();  // an agent that was not there when it happened
    CHECK(first.state() == whole);
    CHECK(second.state() == other);
    CHECK(repairs("missing") == 0);
    CHECK(repairs("different") == 1);
}

TEST_CASE_FIXTURE(SidecarSandbox, "an annotation that moves takes the rules with it") {
    objects.pods[0].annotations["traffic.sidecar.istio.io/excludeOutboundPorts"] = "8000-8100";
    pods->replace(objects);
    settle();  // by what the source says, without a look at all
    CHECK(first.state().contains("8000-8100"));
    CHECK_FALSE(second.state().contains("8000-8100"));
}

TEST_CASE_FIXTURE(SidecarSandbox, "who has no sidecar any more keeps his rules") {
    const auto whole = first.state();
    objects.pods[0].annotations.clear();
    look();
    CHECK(first.state() == whole);
    CHECK(keeper->stats().right == 1);
}

TEST_CASE_FIXTURE(SidecarSandbox, "a wrong annotation is that pod's trouble, and its rules stay") {
    const auto whole = first.state();
    objects.pods[0].annotations["sidecar.istio.io/interceptionMode"] = "SOON";
    look();
    CHECK(trouble_of("first").contains("'SOON'"));
    CHECK(trouble_of("first").contains("shop/first"));
    CHECK(trouble_of("second").empty());
    CHECK(first.state() == whole);
    CHECK(keeper->take_changed_pods().contains({"shop", "first"}));
}

TEST_CASE_FIXTURE(SidecarSandbox, "a pod whose namespace is not to be found is told") {
    objects.pods.push_back(sidecar_pod("third", "10.244.1.13"));
    look();
    CHECK(trouble_of("third").contains("10.244.1.13"));
    CHECK(keeper->stats().right == 2);
    CHECK(keeper->stats().troubled == 1);
    const PodNetns third{"c", "10.244.1.13"};
    look();
    CHECK(trouble_of("third").empty());
    CHECK(third.state().contains(kTable));
}

TEST_CASE_FIXTURE(SidecarSandbox, "the address of another in a pod's namespace deceives nobody") {
    const PodNetns third{"c", "10.244.1.13"};
    third.inside("ip addr add 10.244.1.11/32 dev lo");
    first.inside("nft flush ruleset");
    start();
    CHECK(trouble_of("first").contains("several network namespaces"));
    must_run("ip route add 10.244.1.11 dev h-a");
    look();
    CHECK(trouble_of("first").empty());
    CHECK(first.state().contains(kTable));
    CHECK_FALSE(third.state().contains(kTable));
}

TEST_CASE_FIXTURE(SidecarSandbox,
                  "what is foreign on our keys is left alone, and the pod as it is") {
    objects.pods[0].annotations["sidecar.istio.io/interceptionMode"] = "TPROXY";
    first.inside("ip rule add pref 32002 fwmark 0x539/0xfff lookup 684 protocol 4");
    const auto before = first.state();
    look();
    CHECK(trouble_of("first").contains("32002"));
    CHECK(first.state() == before);
    CHECK(trouble_of("second").empty());
    first.inside("ip rule del pref 32002");
    look();
    CHECK(trouble_of("first").empty());
    CHECK(first.state().contains("tproxy"));
}

TEST_CASE_FIXTURE(SidecarSandbox, "what a plugin is making is its own until it is done") {
    const agent::PodId id{"shop", "first"};
    first.inside("nft flush ruleset");
    keeper->programming(id);
    look();
    CHECK_FALSE(first.state().contains(kTable));
    SUBCASE("its plugin ends without a word") {
        keeper->given_up(id);
        settle();
        CHECK(first.state().contains(kTable));
    }
    SUBCASE("it has made what is not right") {
        const auto verified = keeper->verify(id, first.open());
        REQUIRE_FALSE(verified);
        CHECK(describe(verified.error()).contains("ambient-sidecar"));
    }
}

TEST_CASE_FIXTURE(SidecarSandbox, "who is to be labelled or deleted started without any rules") {
    const agent::PodId id{"shop", "first"};
    first.inside("nft flush ruleset");
    config.sidecar.repair = config::SidecarRepair::delete_pod;
    start();
    CHECK_FALSE(first.state().contains(kTable));
    REQUIRE(keeper->trouble_of(id));
    CHECK(keeper->trouble_of(id)->is_bare);
    CHECK_FALSE(keeper->trouble_of({"shop", "second"}));
    SUBCASE("other rules than it needs: it is told") {
        objects.pods[1].annotations["traffic.sidecar.istio.io/excludeOutboundPorts"] = "80";
        look();
        CHECK(trouble_of("second").contains("other rules"));
        CHECK_FALSE(keeper->trouble_of({"shop", "second"})->is_bare);
    }
    SUBCASE("it had them: whoever took them would take them again") {
        second.inside("nft flush ruleset");
        look();
        CHECK(trouble_of("second").contains("none of its"));
        CHECK_FALSE(keeper->trouble_of({"shop", "second"})->is_bare);
    }
}

TEST_CASE_FIXTURE(SidecarSandbox, "with repair off running pods are left alone") {
    config.sidecar.repair = config::SidecarRepair::off;
    first.inside("nft flush ruleset");
    start();
    CHECK_FALSE(first.state().contains(kTable));
    CHECK(trouble_of("first").empty());
}

}  // namespace
}  // namespace ambient::test
