#include "node-agent/report/status/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fake_api.hpp"

namespace ambient::agent {
namespace {

using namespace std::chrono_literals;

constexpr StatusWrite kWritten = {.what = "annotation", .result = "success"};
constexpr StatusWrite kFailed = {.what = "annotation", .result = "failure"};
constexpr StatusWrite kRefused = {.what = "annotation", .result = "refused"};

PodId web(std::size_t number) { return {"default", "web-" + std::to_string(number)}; }

struct Scene {
    explicit Scene(int count) {
        for (int i = 0; i < count; ++i) {
            const auto id = web(static_cast<std::size_t>(i));
            add(id);
        }
        look();
    }

    void add(const PodId& id) {
        pods[id] = {.namespace_name = id.space,
                    .name = id.name,
                    .uid = "uid-" + id.name,
                    .resource_version = "1"};
        captures[id] = {.captured = true, .obstacle = {}};
    }

    StatusWriter::View view() {
        return {.verified = [this] { return verified; },
                .all = [this] { return ids_of(pods); },
                .pod =
                    [this](const PodId& id) {
                        asked.push_back(id);
                        PodView pod;
                        if (const auto shown = pods.find(id); shown != pods.end())
                            pod.shown = &shown->second;
                        if (const auto capture = captures.find(id); capture != captures.end())
                            pod.capture = capture->second;
                        return pod;
                    }};
    }

    // Everything may have changed, or only one pod.
    void look() { writer.look_soon({.all = true}); }
    void look(std::size_t pod) { writer.look_soon({.pods = {web(pod)}}); }

    // The source shows what was written.
    void show(std::size_t pod) {
        pods[web(pod)].annotations["ambient.istio.io/redirection"] = "enabled";
        pods[web(pod)].resource_version = "2";
        look(pod);
    }

    FakeApi api;
    std::map<PodId, kube::Pod> pods;
    std::map<PodId, PodCapture> captures;
    bool verified = true;
    std::vector<PodId> asked;  // of which pods the writer wanted to know how they are
    config::AgentConfig config = {.node_name = "node-a"};
    Budget writes{kWrites};
    StatusWriter writer{api.io, within(writes, api.io, api.send()), config, view(), kTiming};
};

// A node's 5,000 pods must cost an event no more than its 10.
TEST_CASE("a pod that changes is looked at alone, however many there are") {
    Scene scene(500);
    for (std::size_t i = 0; i < 500; ++i)
        scene.pods[web(i)].annotations["ambient.istio.io/redirection"] = "enabled";
    scene.api.settle();
    CHECK(scene.api.all.empty());
    scene.asked.clear();
    SUBCASE("nothing is to be written") {
        scene.look(7);
        scene.api.settle();
        CHECK(scene.asked == std::vector{web(7)});
    }
    SUBCASE("it is written to") {
        scene.captures.erase(web(7));
        scene.look(7);
        scene.api.wait(1);
        scene.api.answer(0, 200);
        scene.api.settle();
        CHECK(std::ranges::count(scene.asked, web(7)) == std::ssize(scene.asked));
        CHECK(scene.asked.size() <= 3);
    }
    SUBCASE("it is gone") {
        scene.pods.erase(web(7));
        scene.captures.erase(web(7));
        scene.look(7);
        scene.api.settle();
        CHECK(scene.asked == std::vector{web(7)});
    }
    SUBCASE("an obstacle of its own") {
        scene.captures[web(7)] = {.obstacle = "no veth"};
        scene.look(7);
        scene.api.wait(1);  // its annotation
        scene.api.answer(0, 200);
        scene.api.wait(2);
        CHECK(scene.api.request(1).path.ends_with("/events"));
        CHECK(std::ranges::count(scene.asked, web(7)) == std::ssize(scene.asked));
    }
}

TEST_CASE("another pod of the same name was never written to") {
    Scene scene(1);
    scene.api.wait(1);
    scene.pods[web(0)].uid = "uid-2";
    SUBCASE("answered before") {
        scene.api.answer(0, 200);
        scene.look(0);
    }
    SUBCASE("answered after") {
        scene.look(0);
        scene.api.wait(2);
        scene.api.answer(0, 200);
    }
    scene.api.wait(2);
    CHECK(scene.api.request(1).body.contains("uid-2"));
    scene.api.settle();
    CHECK(scene.api.all.size() == 2);
}

TEST_CASE("a pod that is gone is not written to any more, also after a failure") {
    Scene scene(1);
    scene.api.wait(1);
    scene.api.answer(0, 500);
    scene.pods.clear();
    scene.captures.clear();
    scene.look(0);
    scene.api.settle(400ms);  // tried again after 100 to 200 ms
    CHECK(scene.api.all.size() == 1);
}

TEST_CASE("each captured pod is annotated once, also before the source shows it") {
    Scene scene(1);
    scene.api.wait(1);
    CHECK(scene.api.request(0).path == "/api/v1/namespaces/default/pods/web-0/status");
    scene.look();
    scene.api.settle();
    CHECK(scene.api.all.size() == 1);  // one at a time
    scene.api.answer(0, 200);
    scene.api.settle();
    scene.show(0);
    scene.api.settle();
    CHECK(scene.api.all.size() == 1);
    CHECK(scene.writer.counters() == StatusWrites{{kWritten, 1}});

    SUBCASE("somebody removed it: it is put back") {
        scene.pods[web(0)].annotations.clear();
        scene.look();
        scene.api.wait(2);
    }
    SUBCASE("not captured any more: it is removed") {
        scene.captures.clear();
        scene.look();
        scene.api.wait(2);
        CHECK(scene.api.request(1).content_type == "application/json-patch+json");
        scene.api.answer(1, 200);
        scene.look();
        scene.api.settle();
        CHECK(scene.api.all.size() == 2);  // it will be shown
        scene.writer.look_again();
        scene.api.wait(3);  // it was not
        CHECK(scene.api.request(2).content_type == "application/json-patch+json");
    }
}

TEST_CASE("a change while a write is under way is not lost") {
    Scene scene(1);
    scene.api.wait(1);
    scene.captures.clear();
    scene.look();
    scene.api.settle();
    CHECK(scene.api.all.size() == 1);
    scene.api.answer(0, 200);
    scene.api.wait(2);
    CHECK(scene.api.request(1).content_type == "application/json-patch+json");
}

TEST_CASE("a look while many writes are under way writes none of them again") {
    Scene scene(20);
    scene.api.wait(kMaxStatusRequests);
    scene.look();
    scene.api.settle();
    std::set<std::string> paths;
    for (std::size_t i = 0; i < 20; ++i) {
        if (i >= scene.api.all.size()) scene.api.wait(i + 1);
        CHECK(paths.insert(scene.api.request(i).path).second);
        scene.api.answer(i, 200);
    }
    scene.api.settle();
    CHECK(scene.api.all.size() == 20);
}

TEST_CASE("nothing is written while the kernel is not verified, or when it is not wanted") {
    Scene scene(1);
    SUBCASE("not verified") { scene.verified = false; }
    SUBCASE("only events are wanted") {
        config::AgentConfig config;
        config.status.annotate = false;
        StatusWriter writer(scene.api.io, scene.api.send(), config, scene.view(), kTiming);
        scene.verified = false;
        writer.look_soon({.all = true});
        scene.api.settle();
    }
    scene.api.settle();
    CHECK(scene.api.all.empty());
}

TEST_CASE("a few requests at a time, each pod once") {
    Scene scene(20);
    std::set<std::string> paths;
    for (std::size_t i = 0; i < 20; ++i) {
        if (i >= scene.api.all.size()) scene.api.wait(i + 1);
        CHECK(scene.api.all.size() <= i + kMaxStatusRequests);
        paths.insert(scene.api.request(i).path);
        scene.api.answer(i, 200);
    }
    scene.api.settle();
    CHECK(scene.api.all.size() == 20);
    CHECK(paths.size() == 20);
}

TEST_CASE("a server that is away pauses everything, not only the pods that were tried") {
    Scene scene(20);
    scene.api.wait(kMaxStatusRequests);
    for (std::size_t i = 0; i < kMaxStatusRequests; ++i)
        scene.api.break_off(i);
    scene.api.settle();  // the pause is 100 to 200 ms
    CHECK(scene.api.all.size() == kMaxStatusRequests);
    CHECK(scene.writer.counters().at(kFailed) == kMaxStatusRequests);
    scene.api.wait(2 * kMaxStatusRequests);
}

TEST_CASE("Retry-After is heeded") {
    Scene scene(1);
    scene.api.wait(1);
    scene.api.answer(0, kubeapi::Response{.status = 429, .body = {}, .retry_after = 1s});
    scene.api.settle(900ms);
    CHECK(scene.api.all.size() == 1);
    scene.api.wait(2);
}

// "failed calling webhook ...": of other pods it says nothing.
TEST_CASE("what fails for one pod does not hold up the others") {
    Scene scene(20);
    SUBCASE("a webhook that fails") {
        scene.api.wait(1);
        scene.api.answer(0, 500);
    }
    SUBCASE("one that takes too long for the API server") {
        scene.api.wait(1);
        scene.api.answer(0, 504);
    }
    SUBCASE("one that takes too long for us") {
        scene.api.wait(1);
        scene.api.answer(
            0, std::unexpected(Error{
                   .kind = ErrorKind::unavailable, .doing = "PATCH", .errno_value = ETIMEDOUT}));
    }
    const auto failing = scene.api.request(0).path;
    std::set<std::string> others;
    for (std::size_t i = 1; i < 20; ++i) {
        if (i >= scene.api.all.size()) scene.api.wait(i + 1);
        others.insert(scene.api.request(i).path);
        scene.api.answer(i, 200);
    }
    CHECK(others.size() == 19);
    CHECK_FALSE(others.contains(failing));
    CHECK(scene.writer.counters().at(kFailed) == 1);
    scene.api.wait(21);
    CHECK(scene.api.request(20).path == failing);
}

TEST_CASE("the longest Retry-After counts, also when others failed before") {
    Scene scene(2);
    scene.api.wait(2);
    scene.api.break_off(0);
    scene.api.answer(1, kubeapi::Response{.status = 429, .body = {}, .retry_after = 1s});
    scene.api.settle(900ms);  // our own pause is over after 200 ms at most
    CHECK(scene.api.all.size() == 2);
    scene.api.wait(4);
}

TEST_CASE("a wait is at least what the server asked for, and at least our own") {
    const auto asked = [](std::chrono::seconds seconds) {
        return kubeapi::Response{.status = 429, .body = {}, .retry_after = seconds};
    };
    CHECK(wait_after(asked(600s), 500ms) == 600s);
    CHECK(wait_after(asked(1s), 2s) == 2s);
    CHECK(wait_after(kubeapi::Response{.status = 503}, 2s) == 2s);
    CHECK(wait_after(std::unexpected(Error{.doing = "test"}), 2s) == 2s);
}

TEST_CASE("a node writes no more than its budget") {
    Scene scene(kWrites.burst + 50);
    const auto answered = [&](std::size_t from, std::chrono::milliseconds moment) {
        std::size_t done = from;
        const auto end = std::chrono::steady_clock::now() + moment;
        while (std::chrono::steady_clock::now() < end) {
            scene.api.io.restart();
            scene.api.io.run_one_until(end);
            for (; done < scene.api.all.size(); ++done)
                scene.api.answer(done, 200);
        }
        return done;
    };
    const auto began = std::chrono::steady_clock::now();
    const auto burst = answered(0, 500ms);
    const auto passed = std::chrono::steady_clock::now() - began;
    CHECK(burst >= static_cast<std::size_t>(kWrites.burst));
    CHECK(burst <= static_cast<std::size_t>(kWrites.burst + passed / kWrites.period + 1));
    CHECK(answered(burst, 500ms) > burst);
}

TEST_CASE("a refusal holds up that pod only, and is tried again later") {
    Scene scene(1);
    scene.api.wait(1);
    scene.api.answer(0, 409);
    scene.api.settle();
    CHECK(scene.api.all.size() == 1);
    CHECK(scene.writer.counters().at(kRefused) == 1);
    scene.add({"default", "new"});
    scene.look();
    scene.api.wait(2);
    CHECK(scene.api.request(1).path.ends_with("/new/status"));
    scene.api.wait(3);
    CHECK(scene.api.request(2).path.ends_with("/web-0/status"));
}

TEST_CASE("a pod that changed since we looked is written to as it is shown by then") {
    Scene scene(1);
    scene.pods[web(0)].resource_version = "1";
    scene.api.wait(1);
    CHECK(scene.api.request(0).body.contains(R"("resourceVersion":"1")"));
    scene.api.answer(0, 409);
    SUBCASE("the same to us") {
        scene.pods[web(0)].resource_version = "2";
        scene.api.wait(2);
        CHECK(scene.api.request(1).body.contains(R"("resourceVersion":"2")"));
    }
    SUBCASE("its owner wants it out") {
        scene.pods[web(0)].annotations["ambient.istio.io/redirection"] = "disabled";
        scene.api.settle(400ms);  // tried again after 100 to 200 ms
        CHECK(scene.api.all.size() == 1);
    }
}

TEST_CASE("what hinders the node is one Event, whatever the number of its pods") {
    Scene scene(50);
    for (auto& [pod, capture] : scene.captures)
        capture = {.obstacle = "no ztunnel", .is_nodes = true};
    scene.verified = false;
    scene.api.settle();
    CHECK(scene.api.all.empty());
    scene.api.wait(1);
    CHECK(scene.api.request(0).body.contains(R"("kind":"Node")"));
    scene.api.answer(0, 201);
    scene.api.settle();
    CHECK(scene.api.all.size() == 1);
}

// Another pod that it hinders is no news, and it is told again as long as it hinders one.
TEST_CASE("what hinders the node is told while it hinders a pod") {
    Scene scene(2);
    scene.verified = false;
    scene.captures[web(0)] = {.obstacle = "no ztunnel", .is_nodes = true};
    scene.captures[web(1)] = {.obstacle = "no veth"};
    scene.look();
    SUBCASE("it hinders none by then") {
        scene.api.settle();
        scene.captures[web(0)] = {.captured = true};
        scene.look(0);
        scene.api.wait(1);
        CHECK(scene.api.request(0).body.contains("no veth"));
        scene.api.answer(0, 201);
        scene.api.settle();
        CHECK(scene.api.all.size() == 1);
    }
    SUBCASE("one that was hindered is gone, another one is still") {
        scene.captures[web(1)] = {.obstacle = "no ztunnel", .is_nodes = true};
        scene.look();
        scene.api.settle();
        scene.pods.erase(web(0));
        scene.captures.erase(web(0));
        scene.look(0);
        scene.api.wait(1);
        CHECK(scene.api.request(0).body.contains(R"("kind":"Node")"));
        scene.api.answer(0, 201);
        scene.api.settle();
        CHECK(scene.api.all.size() == 1);
    }
}

TEST_CASE("destroying the writer takes back what is under way") {
    FakeApi api;
    kube::Pod pod = {.namespace_name = "default", .name = "web", .uid = "u"};
    {
        StatusWriter writer(api.io, api.send(), {},
                            {.verified = [] { return true; },
                             .all = [] { return std::vector<PodId>{{"default", "web"}}; },
                             .pod =
                                 [&](const PodId&) {
                                     return PodView{.shown = &pod,
                                                    .capture = PodCapture{.captured = true}};
                                 }});
        writer.look_soon({.all = true});
        api.wait(1);
    }
    CHECK(api.is_cancelled(0));
    api.settle();
}

}  // namespace
}  // namespace ambient::agent
