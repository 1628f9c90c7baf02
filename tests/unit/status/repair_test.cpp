// What is written about pods that started without their sidecar's rules.
#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include "fake_api.hpp"
#include "node-agent/report/status/writer.hpp"

namespace ambient::agent {
namespace {

using namespace std::chrono_literals;
using config::SidecarRepair;

struct BareScene {
    explicit BareScene(SidecarRepair repair)
        : config{.node_name = "node-a",
                 .status = {.annotate = false, .events = false},
                 .sidecar = {.repair = repair}} {}

    PodId add(const std::string& name) {
        const PodId id{"shop", name};
        pods[id] = {
            .namespace_name = "shop", .name = name, .uid = "uid-" + name, .resource_version = "7"};
        captures[id] = {.obstacle = "none of its rules", .by_sidecar = true, .is_bare = true};
        return id;
    }
    void look() { writer.look_soon({.all = true}); }

    FakeApi api;
    config::AgentConfig config;
    std::map<PodId, kube::Pod> pods;
    std::map<PodId, PodCapture> captures;
    bool heals = true;
    StatusWriter writer{api.io,
                        api.send(),
                        config,
                        {.verified = [] { return true; },
                         .all = [this] { return ids_of(pods); },
                         .pod =
                             [this](const PodId& id) {
                                 return PodView{.shown = pods.contains(id) ? &pods.at(id) : nullptr,
                                                .capture = captures.at(id)};
                             },
                         .heals = [this] { return heals; }},
                        kTiming};
};

TEST_CASE("a pod that stays without its rules is labelled, once") {
    BareScene scene(SidecarRepair::label);
    const auto id = scene.add("web");
    scene.add("done");
    scene.pods.at({"shop", "done"}).labels = {{"cni.istio.io/uninitialized", "true"}};
    scene.look();
    scene.api.settle();
    CHECK(scene.api.all.empty());  // it may be starting
    scene.api.wait(1);
    CHECK(scene.api.request(0).path == "/api/v1/namespaces/shop/pods/web/status");
    CHECK(scene.api.request(0).body.contains("cni.istio.io/uninitialized"));
    SUBCASE("until the source shows it, it counts as written") {
        scene.api.answer(0, 200);
        scene.look();
        scene.api.settle();
        scene.pods.at(id).labels = {{"cni.istio.io/uninitialized", "true"}};
        scene.writer.look_again();
        scene.api.settle();
        CHECK(scene.api.all.size() == 1);
        CHECK(scene.writer.counters().at({.what = "label", .result = "success"}) == 1);
    }
    SUBCASE("refused for want of a right, it is tried later, and later") {
        scene.api.answer(0, 403);
        scene.look();
        scene.api.settle();
        CHECK(scene.api.all.size() == 1);
        scene.api.wait(2);
        CHECK(scene.writer.counters().at({.what = "label", .result = "refused"}) == 1);
    }
}

TEST_CASE("pods are deleted one after the other, and only where that heals") {
    BareScene scene(SidecarRepair::delete_pod);
    scene.heals = false;
    for (const auto* name : {"a", "b", "c"})
        scene.add(name);
    scene.pods.at({"shop", "a"}).static_uid = "of-the-kubelet";
    scene.look();
    scene.api.settle(kTiming.obstacle_lasts + 500ms);
    CHECK(scene.api.all.empty());
    scene.heals = true;  // the plugin is in the chain again
    scene.look();
    scene.api.wait(1);
    CHECK(scene.api.request(0).method == "DELETE");
    CHECK(scene.api.request(0).path == "/api/v1/namespaces/shop/pods/b");
    CHECK(scene.api.request(0).body.contains("uid-b"));
    scene.api.answer(0, 200);
    scene.look();
    scene.api.settle(500ms);
    CHECK(scene.api.all.size() == 1);
    scene.pods.at({"shop", "b"}).terminating = true;
    scene.api.wait(2);
    CHECK(scene.api.request(1).path == "/api/v1/namespaces/shop/pods/c");
    // Somebody has changed it since.
    scene.api.answer(1, 409);
    scene.pods.at({"shop", "c"}).resource_version = "8";
    scene.api.wait(3);
    CHECK(scene.api.request(2).body.contains(R"("resourceVersion":"8")"));
    scene.api.answer(2, 200);
    scene.writer.look_again();
    scene.api.settle(500ms);
    CHECK(scene.api.all.size() == 3);
}

TEST_CASE("one that has other rules, or is put right in place, is not written to") {
    BareScene scene(SidecarRepair::delete_pod);
    scene.captures[scene.add("different")].is_bare = false;
    BareScene in_place(SidecarRepair::in_place);
    in_place.add("bare");
    for (auto* one : {&scene, &in_place}) {
        one->look();
        one->api.settle();
        one->writer.look_again();
    }
    scene.api.settle(kTiming.obstacle_lasts + 500ms);
    in_place.api.settle();
    CHECK(scene.api.all.empty());
    CHECK(in_place.api.all.empty());
}

}  // namespace
}  // namespace ambient::agent
