#include "node-agent/pods/pod_table.hpp"

#include <doctest/doctest.h>

using namespace ambient;
using agent::PodId;
using agent::PodTable;

namespace {

const IpAddress kFirst = *IpAddress::parse("10.244.1.11");
const IpAddress kSecond = *IpAddress::parse("fd00:10:244:1::11");
const std::string kContainer(64, 'c');

kube::Namespace ambient_space(const std::string& name) {
    return {.name = name, .labels = {{"istio.io/dataplane-mode", "ambient"}}};
}

kube::Pod running(const std::string& name, std::vector<IpAddress> addresses) {
    return {.namespace_name = "mesh",
            .name = name,
            .uid = "uid-" + name,
            .node_name = "a",
            .phase = "Running",
            .ready = true,
            .addresses = std::move(addresses)};
}

kube::Objects mesh(std::vector<kube::Pod> pods) {
    return {.namespaces = {ambient_space("mesh")}, .pods = std::move(pods)};
}

kube::Pod ztunnel_pod() {
    auto pod = running("ztunnel", {kFirst});
    pod.namespace_name = "istio-system";
    pod.service_account = "ztunnel";
    pod.labels["app"] = "ztunnel";
    return pod;
}

PodTable table() { return {desired::Policy{}, "a"}; }

}  // namespace

TEST_CASE("a pod of an ambient namespace is captured by each of its addresses") {
    auto pods = table();
    pods.replace(mesh({running("web", {kFirst, kSecond})}));
    CHECK(pods.captures().size() == 2);
    CHECK(pods.captures().at(kFirst).comment == "uid-web");
    CHECK(pods.take_changed() == std::set{kFirst, kSecond});
    CHECK(pods.take_changed().empty());
}

TEST_CASE("pods of other nodes are not ours") {
    auto pods = table();
    auto pod = running("web", {kFirst});
    pod.node_name = "b";
    pods.replace(mesh({pod}));
    CHECK(pods.captures().empty());
}

TEST_CASE("taking the label from a namespace ends the capture, putting it back starts it") {
    auto pods = table();
    pods.replace(mesh({running("web", {kFirst})}));
    pods.take_changed();
    pods.replace({.namespaces = {{.name = "mesh"}}, .pods = {running("web", {kFirst})}});
    CHECK(pods.captures().empty());
    CHECK(pods.take_changed() == std::set{kFirst});
    pods.replace(mesh({running("web", {kFirst})}));
    CHECK(pods.captures().contains(kFirst));
}

TEST_CASE("an attached pod is captured before its status tells an address") {
    auto pods = table();
    auto pending = running("web", {});
    pending.phase = "Pending";
    pods.replace(mesh({pending}));
    CHECK(pods.captures().empty());
    pods.attach({kContainer, "eth0"}, {"mesh", "web"}, {kFirst});
    CHECK(pods.captures().at(kFirst).comment == "uid-web/" + kContainer + "/eth0");
    // Its status catching up changes nothing.
    pods.take_changed();
    pods.replace(mesh({running("web", {kFirst})}));
    CHECK(pods.take_changed().empty());
}

TEST_CASE("a detached pod stays out although the source still shows its address") {
    auto pods = table();
    pods.replace(mesh({running("web", {kFirst})}));
    pods.attach({kContainer, "eth0"}, {"mesh", "web"}, {kFirst});
    pods.detach({kContainer, "eth0"}, {"mesh", "web"}, {});
    CHECK(pods.captures().empty());
    auto again = running("web", {kFirst});
    again.labels["touched"] = "yes";
    pods.replace(mesh({again}));
    CHECK(pods.captures().empty());
    SUBCASE("until it is attached again") {
        pods.attach({kContainer, "eth0"}, {"mesh", "web"}, {kFirst});
        CHECK(pods.captures().contains(kFirst));
    }
    SUBCASE("until it has another address: attached while the plugin was not in the chain") {
        again.addresses = {kSecond};
        pods.replace(mesh({again}));
        CHECK(pods.captures().size() == 1);
        CHECK(pods.captures().contains(kSecond));
        again.addresses = {kFirst};
        pods.replace(mesh({again}));
        CHECK(pods.captures().contains(kFirst));
    }
    SUBCASE("until another pod has its name") {
        again.uid = "another";
        pods.replace(mesh({again}));
        CHECK(pods.captures().at(kFirst).comment == "another");
    }
}

TEST_CASE("a pod that the source alone knows can be detached by name") {
    auto pods = table();
    pods.replace(mesh({running("web", {kFirst})}));
    SUBCASE("with its address") { pods.detach({kContainer, "eth0"}, {"mesh", "web"}, {kFirst}); }
    SUBCASE("without one") { pods.detach({kContainer, "eth0"}, {"mesh", "web"}, {}); }
    CHECK(pods.captures().empty());
}

TEST_CASE("the end of an earlier sandbox takes nothing from the present one") {
    auto pods = table();
    pods.replace(mesh({running("web", {kFirst})}));
    SUBCASE("that the source alone knows") {}
    SUBCASE("that was attached") { pods.attach({kContainer, "eth0"}, {"mesh", "web"}, {kFirst}); }
    pods.detach({std::string(64, 'd'), "eth0"}, {"mesh", "web"}, {kSecond});
    CHECK(pods.captures().contains(kFirst));
}

TEST_CASE("a reused address belongs to the pod that was attached with it") {
    auto pods = table();
    pods.replace(mesh({running("old", {kFirst}), running("new", {})}));
    SUBCASE("when the new pod is captured too") {
        pods.attach({kContainer, "eth0"}, {"mesh", "new"}, {kFirst});
        CHECK(pods.captures().at(kFirst).pod == PodId{"mesh", "new"});
    }
    SUBCASE("when the new pod is not in the mesh, nobody is captured") {
        pods.attach({kContainer, "eth0"}, {"plain", "new"}, {kFirst});
        CHECK(pods.captures().empty());
    }
    SUBCASE("when the old one was attached and never detached") {
        pods.attach({std::string(64, 'd'), "eth0"}, {"mesh", "old"}, {kFirst});
        pods.attach({kContainer, "eth0"}, {"mesh", "new"}, {kFirst});
        CHECK(pods.captures().at(kFirst).pod == PodId{"mesh", "new"});
        pods.detach({std::string(64, 'd'), "eth0"}, {"mesh", "old"}, {kFirst});
        CHECK(pods.captures().at(kFirst).pod == PodId{"mesh", "new"});
    }
}

TEST_CASE("an address whose end nobody told goes to the pod that the source shows with it") {
    auto pods = table();
    auto old = running("old", {kFirst});
    auto now = running("new", {kFirst});
    pods.replace(mesh({old}));
    pods.attach({kContainer, "eth0"}, {"mesh", "old"}, {kFirst});
    SUBCASE("when the one before is gone") {
        pods.replace(mesh({now}));
        CHECK(pods.captures().at(kFirst).comment == "uid-new");
    }
    SUBCASE("when the one before has another address") {
        old.addresses = {kSecond};
        pods.replace(mesh({old, now}));
        CHECK(pods.captures().at(kFirst).comment == "uid-new");
        CHECK(pods.captures().at(kSecond).comment == "uid-old");
    }
    SUBCASE("not while the one before is shown with it") {
        pods.replace(mesh({old, now}));
        CHECK(pods.captures().at(kFirst).pod == PodId{"mesh", "old"});
    }
    SUBCASE("not when that one is on its way out itself") {
        now.terminating = true;
        pods.replace(mesh({now}));
        CHECK(pods.captures().empty());
    }
}

TEST_CASE("a container attached without a pod's name leaves its address to the source") {
    auto pods = table();
    pods.replace(mesh({running("web", {kFirst}), running("old", {})}));
    pods.attach({std::string(64, 'd'), "eth0"}, {"mesh", "old"}, {kSecond});
    pods.attach({kContainer, "eth0"}, {}, {kFirst, kSecond});
    CHECK(pods.captures().at(kFirst).comment == "uid-web");
    CHECK_FALSE(pods.captures().contains(kSecond));  // whoever was attached with it before is gone
    pods.detach({kContainer, "eth0"}, {}, {});
    CHECK(pods.captures().contains(kFirst));
}

TEST_CASE("of two pods with one address the one on its way out loses") {
    auto pods = table();
    auto leaving = running("a-leaving", {kFirst});
    leaving.terminating = true;
    pods.replace(mesh({leaving, running("b-staying", {kFirst})}));
    CHECK(pods.captures().at(kFirst).pod.name == "b-staying");
}

TEST_CASE("captured now: with an address, and not finished") {
    struct Case {
        const char* phase;
        bool has_address;
        bool terminating;
        bool captured;
    };
    const std::vector<Case> cases = {
        {"Pending", true, false, true},    {"Running", true, false, true},
        {"Running", true, true, true},  // it still talks while it ends
        {"", true, false, true},           {"Pending", false, false, false},
        {"Succeeded", true, false, false}, {"Failed", true, false, false},
    };
    for (const Case& c : cases) {
        auto pod = running("web", {kFirst});
        pod.phase = c.phase;
        pod.terminating = c.terminating;
        if (!c.has_address) pod.addresses.clear();
        auto pods = table();
        pods.replace(mesh({pod}));
        CAPTURE(c.phase);
        CHECK(pods.captures().contains(kFirst) == c.captured);
    }
}

TEST_CASE("finished and host-network pods give their addresses up") {
    auto pods = table();
    auto pod = running("web", {kFirst});
    SUBCASE("succeeded") { pod.phase = "Succeeded"; }
    SUBCASE("failed") { pod.phase = "Failed"; }
    SUBCASE("host network") { pod.host_network = true; }
    pods.replace(mesh({pod}));
    CHECK(pods.captures().empty());
}

TEST_CASE("an attachment that the kernel remembers is adopted by the pod with its uid") {
    auto pods = table();
    pods.recover("uid-web", {kContainer, "eth0"}, kFirst);
    pods.recover("uid-gone", {std::string(64, 'd'), "eth0"}, kSecond);
    pods.replace(mesh({running("web", {})}));
    CHECK(pods.captures().size() == 1);
    CHECK(pods.captures().at(kFirst).comment == "uid-web/" + kContainer + "/eth0");
}

TEST_CASE("decide never guesses about a pod that the source does not show") {
    auto pods = table();
    CHECK_FALSE(pods.decide({"plain", "unknown"}, ""));  // nothing is known yet
    pods.replace({.namespaces = {ambient_space("mesh"), {.name = "plain"}},
                  .pods = {running("web", {kFirst})}});
    CHECK(pods.decide({"mesh", "web"}, "uid-web")->enrolled);
    CHECK(pods.decide({"mesh", "web"}, "")->enrolled);
    CHECK_FALSE(pods.decide({"mesh", "web"}, "uid-of-its-successor"));
    CHECK_FALSE(pods.decide({"mesh", "unknown"}, ""));
    CHECK_FALSE(pods.decide({"plain", "unknown"}, "")->enrolled);
    CHECK_FALSE(pods.decide({"nowhere", "unknown"}, "")->enrolled);
}

TEST_CASE("a pod that the source no longer shows is no longer captured") {
    auto pods = table();
    pods.replace(mesh({running("web", {kFirst})}));
    pods.attach({kContainer, "eth0"}, {"mesh", "web"}, {kFirst});
    pods.replace(mesh({}));
    CHECK(pods.captures().empty());
}

TEST_CASE("the ztunnel is never captured, and found") {
    auto pods = table();
    const auto ztunnel = ztunnel_pod();
    CHECK_FALSE(pods.waits_for_ztunnel());  // nothing is known yet
    pods.replace(mesh({running("web", {kSecond})}));
    CHECK(pods.waits_for_ztunnel());
    pods.replace(mesh({ztunnel, running("web", {kSecond})}));
    CHECK(pods.captures().size() == 1);
    CHECK_FALSE(pods.waits_for_ztunnel());
    REQUIRE(pods.ztunnels().size() == 1);
    CHECK(pods.ztunnels().front()->name == "ztunnel");
}

TEST_CASE("a pod that only says that it is the ztunnel is captured, and reported once") {
    auto pods = table();
    auto foreign = running("foreign", {kFirst});
    foreign.labels["app"] = "ztunnel";
    pods.replace(mesh({foreign}));
    CHECK(pods.captures().contains(kFirst));
    CHECK(pods.waits_for_ztunnel());
    CHECK(pods.take_refused_ztunnels() == std::vector{PodId{"mesh", "foreign"}});
    foreign.ready = false;
    pods.put(foreign);
    CHECK(pods.take_refused_ztunnels().empty());
    foreign.uid = "uid-2";
    pods.put(foreign);
    CHECK(pods.take_refused_ztunnels().size() == 1);
    pods.put(ztunnel_pod());
    CHECK(pods.take_refused_ztunnels().empty());
    CHECK(pods.ztunnel_claims_refused() == 2);
}

TEST_CASE("objects told one by one make the same table as all at once") {
    auto pods = table();
    pods.put(running("web", {kFirst}));
    CHECK(pods.captures().empty());  // its namespace is not known yet
    pods.put(ambient_space("mesh"));
    CHECK(pods.captures().contains(kFirst));
    CHECK_FALSE(pods.is_complete());
    CHECK_FALSE(pods.decide({"mesh", "web"}, ""));
    pods.complete();
    CHECK(pods.decide({"mesh", "web"}, "")->enrolled);

    SUBCASE("the namespace loses its label") { pods.put(kube::Namespace{.name = "mesh"}); }
    SUBCASE("the namespace goes") { pods.drop_namespace("mesh"); }
    SUBCASE("the pod goes") { pods.drop_pod({"mesh", "web"}); }
    SUBCASE("a whole list does not show the pod") { pods.keep_only_pods({{"mesh", "other"}}); }
    SUBCASE("a whole list does not show the namespace") { pods.keep_only_namespaces({"other"}); }
    CHECK(pods.captures().empty());
    CHECK(pods.take_changed() == std::set{kFirst});
}

TEST_CASE("a whole list keeps what it shows") {
    auto pods = table();
    pods.replace(mesh({running("web", {kFirst})}));
    pods.keep_only_pods({{"mesh", "web"}});
    pods.keep_only_namespaces({"mesh"});
    CHECK(pods.captures().contains(kFirst));
}

TEST_CASE("a pod of another node is none of ours, also one by one") {
    auto pods = table();
    pods.replace(mesh({}));
    auto elsewhere = running("web", {kFirst});
    elsewhere.node_name = "b";
    pods.put(elsewhere);
    CHECK(pods.captures().empty());
    CHECK_FALSE(pods.shows({"mesh", "web"}, ""));
}

TEST_CASE("a static pod goes by two uids: the API server's and its runtime's") {
    auto pods = table();
    pods.recover("hash-web", {kContainer, "eth0"}, kFirst);
    auto pod = running("web", {kFirst});
    pod.static_uid = "hash-web";
    pods.replace(mesh({pod}));
    CHECK(pods.captures().at(kFirst).comment == "hash-web/" + kContainer + "/eth0");
    for (const auto* uid : {"uid-web", "hash-web", ""}) {
        CAPTURE(uid);
        CHECK(pods.shows({"mesh", "web"}, uid));
        const auto decision = pods.decide({"mesh", "web"}, uid);
        REQUIRE(decision);
        CHECK(decision->enrolled);
    }
    CHECK_FALSE(pods.shows({"mesh", "web"}, "hash-of-its-successor"));
    CHECK_FALSE(pods.decide({"mesh", "web"}, "hash-of-its-successor"));
    CHECK(pods.find({"mesh", "web"})->uid == "uid-web");

    SUBCASE("without an attachment its element names the runtime's, for a DEL without us") {
        pods.detach({kContainer, "eth0"}, {}, {});
        pods.attach({kContainer, "eth0"}, {"mesh", "web"}, {});
        CHECK(pods.captures().empty());
        pods = table();
        pods.replace(mesh({pod}));
        CHECK(pods.captures().at(kFirst).comment == "hash-web");
    }
    SUBCASE("one recovered from a release that wrote the API server's is adopted, too") {
        pods = table();
        pods.recover("uid-web", {kContainer, "eth0"}, kFirst);
        pods.replace(mesh({pod}));
        CHECK(pods.captures().at(kFirst).comment == "hash-web/" + kContainer + "/eth0");
    }
    SUBCASE("detached, it stays so when its mirror is made anew") {
        pods.detach({kContainer, "eth0"}, {}, {});
        pod.uid = "uid-of-the-new-mirror";
        pods.put(pod);
        CHECK(pods.captures().empty());
        pod.static_uid = "hash-of-a-new-manifest";
        pods.put(pod);
        CHECK(pods.captures().contains(kFirst));
    }
    SUBCASE("an annotation takes no attachment away from the pod whose uid it is") {
        auto claimant = running("a-claimant", {kSecond});
        claimant.static_uid = "uid-victim";
        pods = table();
        pods.recover("uid-victim", {kContainer, "eth0"}, kFirst);
        pods.replace(mesh({claimant, running("victim", {kFirst})}));
        CHECK(pods.captures().at(kFirst).pod == PodId{"mesh", "victim"});
    }
}

TEST_CASE("a pod is shown with its uid and its namespace") {
    auto pods = table();
    pods.put(running("web", {kFirst}));
    pods.complete();
    CHECK_FALSE(pods.shows({"mesh", "web"}, ""));  // namespace not known
    pods.put(ambient_space("mesh"));
    CHECK(pods.shows({"mesh", "web"}, ""));
    CHECK(pods.shows({"mesh", "web"}, "uid-web"));
    CHECK_FALSE(pods.shows({"mesh", "web"}, "uid-of-its-successor"));
    CHECK_FALSE(pods.shows({"mesh", "other"}, ""));
}

TEST_CASE("a newer version that says the same changes nothing but the version") {
    auto pods = table();
    auto ztunnel = ztunnel_pod();
    pods.put(ztunnel);
    CHECK(pods.take_ztunnels_changed());
    ztunnel.resource_version = "2";
    pods.put(ztunnel);
    CHECK_FALSE(pods.take_ztunnels_changed());
    REQUIRE(pods.shown().size() == 1);
    CHECK(pods.shown()[0]->resource_version == "2");
}

TEST_CASE("only a ztunnel's change is a change of ztunnels") {
    auto pods = table();
    pods.replace(mesh({running("web", {kFirst})}));
    CHECK_FALSE(pods.take_ztunnels_changed());
    auto ztunnel = ztunnel_pod();
    pods.put(ztunnel);
    CHECK(pods.take_ztunnels_changed());
    CHECK_FALSE(pods.take_ztunnels_changed());
    ztunnel.ready = false;
    pods.put(ztunnel);
    CHECK(pods.take_ztunnels_changed());
    pods.drop_pod({"istio-system", "ztunnel"});
    CHECK(pods.take_ztunnels_changed());
}

TEST_CASE("only pods that something was changed of are changed") {
    auto pods = table();
    const PodId web = {"mesh", "web"};
    const PodId other = {"mesh", "other"};
    auto pod = running("web", {kFirst});
    pods.replace(mesh({pod, running("other", {})}));
    CHECK(pods.take_changed_pods() == std::set{other, web});
    CHECK(pods.take_changed_pods().empty());
    SUBCASE("the same again") {
        pods.put(pod);
        CHECK(pods.take_changed_pods().empty());
    }
    SUBCASE("another version, or annotation: a writer goes by them") {
        pod.resource_version = "2";
        pods.put(pod);
        CHECK(pods.take_changed_pods() == std::set{web});
        pod.annotations["ambient.istio.io/redirection"] = "enabled";
        pods.put(pod);
        CHECK(pods.take_changed_pods() == std::set{web});
    }
    SUBCASE("it is gone") {
        pods.drop_pod(web);
        CHECK(pods.take_changed_pods() == std::set{web});
    }
    SUBCASE("its address is another one's") {
        pods.attach({kContainer, "eth0"}, other, {kFirst});
        CHECK(pods.captured_addresses(other) == std::vector{kFirst});
        CHECK(pods.captured_addresses(web).empty());
        CHECK(pods.take_changed_pods() == std::set{other, web});
    }
    SUBCASE("its namespace is not ambient any more") {
        pods.put(kube::Namespace{.name = "mesh"});
        CHECK(pods.take_changed_pods() == std::set{web});
    }
}
