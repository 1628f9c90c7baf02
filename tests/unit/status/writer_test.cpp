#include "node-agent/report/status/writer.hpp"

#include <cerrno>
#include <chrono>
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

struct Scene {
    explicit Scene(int count) {
        for (int i = 0; i < count; ++i) {
            const auto name = "web-" + std::to_string(i);
            pods.push_back({.namespace_name = "default",
                            .name = name,
                            .uid = "uid-" + name,
                            .resource_version = "1"});
            view.captures[{"default", name}] = {.captured = true, .obstacle = {}};
        }
        view.verified = true;
        writer.look_soon();
    }

    StatusWriter::View now() {
        view.shown.clear();
        for (const auto& pod : pods)
            view.shown.push_back(&pod);
        return view;
    }

    // The source shows what was written.
    void show(std::size_t pod) {
        pods[pod].annotations["ambient.istio.io/redirection"] = "enabled";
        pods[pod].resource_version = "2";
        writer.look_soon();
    }

    FakeApi api;
    std::vector<kube::Pod> pods;
    StatusWriter::View view;
    config::AgentConfig config = {.node_name = "node-a"};
    Budget writes{kWrites};
    StatusWriter writer{api.io, within(writes, api.io, api.send()), config,
                        [this] { return now(); }};
};

TEST_CASE("each captured pod is annotated once, also before the source shows it") {
    Scene scene(1);
    scene.api.wait(1);
    CHECK(scene.api.request(0).path == "/api/v1/namespaces/default/pods/web-0/status");
    scene.writer.look_soon();
    scene.api.settle();
    CHECK(scene.api.all.size() == 1);  // one at a time
    scene.api.answer(0, 200);
    scene.api.settle();
    scene.show(0);
    scene.api.settle();
    CHECK(scene.api.all.size() == 1);
    CHECK(scene.writer.counters() == StatusWrites{{kWritten, 1}});

    SUBCASE("somebody removed it: it is put back") {
        scene.pods[0].annotations.clear();
        scene.writer.look_soon();
        scene.api.wait(2);
    }
    SUBCASE("not captured any more: it is removed") {
        scene.view.captures.clear();
        scene.writer.look_soon();
        scene.api.wait(2);
        CHECK(scene.api.request(1).content_type == "application/json-patch+json");
        scene.api.answer(1, 200);
        scene.writer.look_soon();
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
    scene.view.captures.clear();
    scene.writer.look_soon();
    scene.api.settle();
    CHECK(scene.api.all.size() == 1);
    scene.api.answer(0, 200);
    scene.api.wait(2);
    CHECK(scene.api.request(1).content_type == "application/json-patch+json");
}

TEST_CASE("a look while many writes are under way writes none of them again") {
    Scene scene(20);
    scene.api.wait(kMaxStatusRequests);
    scene.writer.look_soon();
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
    SUBCASE("not verified") { scene.view.verified = false; }
    SUBCASE("only events are wanted") {
        config::AgentConfig config;
        config.status.annotate = false;
        StatusWriter writer(scene.api.io, scene.api.send(), config, [&] { return scene.now(); });
        scene.view.verified = false;
        writer.look_soon();
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
    scene.api.settle(200ms);  // the pause is 250 to 500 ms
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
    scene.api.settle(900ms);  // our own pause is over after 500 ms at most
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
    const auto burst = answered(0, 1s);
    const auto passed = std::chrono::steady_clock::now() - began;
    CHECK(burst >= static_cast<std::size_t>(kWrites.burst));
    CHECK(burst <= static_cast<std::size_t>(kWrites.burst + passed / kWrites.period + 1));
    CHECK(answered(burst, 1s) > burst);
}

TEST_CASE("a refusal holds up that pod only, and is tried again later") {
    Scene scene(1);
    scene.api.wait(1);
    scene.api.answer(0, 409);
    scene.api.settle(200ms);
    CHECK(scene.api.all.size() == 1);
    CHECK(scene.writer.counters().at(kRefused) == 1);
    scene.pods.push_back({.namespace_name = "default", .name = "new", .uid = "uid-new"});
    scene.view.captures[{"default", "new"}] = {.captured = true, .obstacle = {}};
    scene.writer.look_soon();
    scene.api.wait(2);
    CHECK(scene.api.request(1).path.ends_with("/new/status"));
    scene.api.wait(3);
    CHECK(scene.api.request(2).path.ends_with("/web-0/status"));
}

TEST_CASE("a pod that changed since we looked is written to as it is shown by then") {
    Scene scene(1);
    scene.pods[0].resource_version = "1";
    scene.api.wait(1);
    CHECK(scene.api.request(0).body.contains(R"("resourceVersion":"1")"));
    scene.api.answer(0, 409);
    SUBCASE("the same to us") {
        scene.pods[0].resource_version = "2";
        scene.api.wait(2);
        CHECK(scene.api.request(1).body.contains(R"("resourceVersion":"2")"));
    }
    SUBCASE("its owner wants it out") {
        scene.pods[0].annotations["ambient.istio.io/redirection"] = "disabled";
        scene.api.settle(800ms);  // tried again after 250 to 500 ms
        CHECK(scene.api.all.size() == 1);
    }
}

TEST_CASE("what hinders the node is one Event, whatever the number of its pods") {
    Scene scene(50);
    for (auto& [pod, capture] : scene.view.captures)
        capture = {.obstacle = "no ztunnel", .is_nodes = true};
    scene.view.verified = false;
    scene.api.settle();
    CHECK(scene.api.all.empty());
    scene.api.wait(1, kObstacleLasts + 5s);
    CHECK(scene.api.request(0).body.contains(R"("kind":"Node")"));
    scene.api.answer(0, 201);
    scene.api.settle();
    CHECK(scene.api.all.size() == 1);
}

TEST_CASE("destroying the writer takes back what is under way") {
    FakeApi api;
    kube::Pod pod = {.namespace_name = "default", .name = "web", .uid = "u"};
    {
        StatusWriter writer(api.io, api.send(), {}, [&] {
            return StatusWriter::View{
                .verified = true,
                .shown = {&pod},
                .captures = {{{"default", "web"}, {.captured = true, .obstacle = {}}}}};
        });
        writer.look_soon();
        api.wait(1);
    }
    CHECK(api.is_cancelled(0));
    api.settle();
}

}  // namespace
}  // namespace ambient::agent
