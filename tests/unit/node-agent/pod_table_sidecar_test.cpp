// Pods with a sidecar, in the table of the node's pods.
#include <doctest/doctest.h>

#include "node-agent/pods/pod_table.hpp"

namespace ambient::agent {
namespace {

const IpAddress kFirst = *IpAddress::parse("10.244.1.11");

PodTable table() {
    desired::Policy policy;
    policy.redirect_sidecars = true;
    return {policy, ""};
}

kube::Pod sidecar_pod() {
    return {.namespace_name = "shop",
            .name = "web",
            .uid = "uid-web",
            .annotations = {{"sidecar.istio.io/status", "{}"}},
            .proxy = kube::ProxyContainer{}};
}

TEST_CASE("an annotation of a namespace changes its sidecar pods") {
    auto pods = table();
    pods.put(kube::Namespace{.name = "shop"});
    pods.put(sidecar_pod());
    pods.put(kube::Pod{.namespace_name = "shop", .name = "db", .uid = "uid-db"});
    pods.complete();
    pods.take_changed_pods();
    pods.put(kube::Namespace{.name = "shop",
                             .annotations = {{"sidecar.istio.io/interceptionMode", "SOON"}}});
    CHECK(pods.take_changed_pods() == std::set<PodId>{{"shop", "web"}});
    CHECK_FALSE(pods.sidecar_of({"shop", "web"})->has_value());
    CHECK_FALSE(pods.sidecar_of({"shop", "db"}));
}

TEST_CASE("a sidecar pod's addresses: attached before told, and of one pod at a time") {
    auto pods = table();
    const PodId web{"shop", "web"};
    const PodId heir{"shop", "heir"};
    auto pod = sidecar_pod();
    pods.put(pod);
    CHECK(pods.take_changed_sidecars() == std::set{web});
    CHECK(pods.addresses_of(web).empty());
    pods.attach({.container_id = "c1", .ifname = "eth0"}, web, {kFirst});
    CHECK(pods.take_changed_sidecars() == std::set{web});
    CHECK(pods.addresses_of(web) == std::vector{kFirst});
    pod.addresses = {kFirst};
    pod.phase = "Running";
    pods.put(pod);
    CHECK(pods.addresses_of(web) == std::vector{kFirst});
    // Whoever gets it next has it alone, whatever the status of the first one goes on saying.
    pod.name = "heir";
    pod.uid = "uid-heir";
    pods.put(pod);
    CHECK(pods.addresses_of(heir).empty());
    pods.attach({.container_id = "c2", .ifname = "eth0"}, heir, {kFirst});
    CHECK(pods.addresses_of(heir) == std::vector{kFirst});
    CHECK(pods.addresses_of(web).empty());
    CHECK(pods.take_changed_sidecars() == std::set{heir, web});
    pods.drop_pod(heir);
    CHECK(pods.take_changed_sidecars() == std::set{heir});
    CHECK(pods.addresses_of({"shop", "nobody"}).empty());
}

}  // namespace
}  // namespace ambient::agent
