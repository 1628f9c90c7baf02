#include "node-agent/report/status/obstacles.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

using std::chrono::seconds;

const PodRef kWeb = {.id = {.space = "default", .name = "web"}, .uid = "uid-web"};

struct Scene {
    kube::Pod pod = {.namespace_name = "default", .name = "web", .uid = "uid-web"};
    Obstacles obstacles;
    Obstacles::Time start;

    // What is due so many seconds after the start.
    std::vector<std::string> at(int second, const std::string& why, bool tell = true) {
        const PodCaptures captures = {{kWeb.id, {.captured = why.empty(), .obstacle = why}}};
        std::vector<std::string> due;
        for (const auto& one : obstacles.due({&pod}, captures, start + seconds(second))) {
            due.push_back(one.why);
            if (tell) obstacles.told(one, start + seconds(second));
        }
        return due;
    }
};

using Words = std::vector<std::string>;

TEST_CASE("an obstacle that lasts is told, and not at every look") {
    Scene scene;
    CHECK(scene.at(0, "no veth").empty());
    CHECK(scene.obstacles.next() == scene.start + kObstacleLasts);
    CHECK(scene.at(9, "no veth").empty());
    CHECK(scene.at(10, "no veth", false) == Words{"no veth"});
    CHECK(scene.at(11, "no veth") == Words{"no veth"});  // not told the first time
    CHECK(scene.at(12, "no veth").empty());
    CHECK(scene.at(13, "no ztunnel") == Words{"no ztunnel"});
}

// kube-apiserver forgets Events after an hour (--event-ttl).
TEST_CASE("it is told again while it stands, within the hour, and no more when it is gone") {
    Scene scene;
    scene.at(0, "no veth");
    CHECK(scene.at(10, "no veth") == Words{"no veth"});
    CHECK(scene.at(11, "no veth").empty());
    CHECK(scene.obstacles.next() == scene.start + seconds(10) + kTellAgain);
    int last = 10;
    for (int second = 12; second < 3 * 3600; second += 10) {
        if (scene.at(second, "no veth").empty()) continue;
        CHECK(second - last < 3600);
        CHECK(second - last >= 600);
        last = second;
    }
    CHECK(last > 2 * 3600);
    CHECK(scene.at(4 * 3600, "").empty());
    CHECK(scene.obstacles.next() == std::nullopt);
}

TEST_CASE("one that passes is not told, and begins anew when it comes back") {
    Scene scene;
    CHECK(scene.at(0, "no veth").empty());
    CHECK(scene.at(9, "").empty());
    CHECK(scene.at(10, "no veth").empty());
    CHECK(scene.at(19, "no veth").empty());
    CHECK(scene.at(20, "no veth") == Words{"no veth"});
    CHECK(scene.at(30, "").empty());
    CHECK(scene.at(40, "no veth").empty());
    CHECK(scene.at(60, "no veth").empty());  // told already
}

TEST_CASE("while why is not known nothing is said, nor about a pod on its way out") {
    Scene scene;
    const PodCaptures unknown = {{kWeb.id, {.captured = false, .obstacle = ""}}};
    CHECK(scene.obstacles.due({&scene.pod}, unknown, scene.start).empty());
    CHECK(scene.obstacles.next() == std::nullopt);
    scene.at(0, "no veth");
    scene.pod.terminating = true;
    CHECK(scene.at(20, "no veth").empty());
}

TEST_CASE("another pod of the same name is told of anew; one that is gone is forgotten") {
    Scene scene;
    scene.at(0, "no veth");
    CHECK(scene.at(10, "no veth").size() == 1);
    scene.pod.uid = "uid-2";
    CHECK(scene.at(11, "no veth").empty());
    CHECK(scene.at(21, "no veth").size() == 1);
    scene.obstacles.due({}, {}, scene.start + seconds(22));
    scene.at(23, "no veth");
    CHECK(scene.at(33, "no veth").size() == 1);
}

TEST_CASE("words that change all the time are told a few times") {
    Scene scene;
    scene.at(0, "0");
    std::size_t told = 0;
    for (int second = 10; second < 40; ++second)
        told += scene.at(second, std::to_string(second)).size();
    CHECK(told == kMaxEvents);
    // Not for ever: a node's causes may be many in a year.
    const auto again = scene.obstacles.next();
    REQUIRE(again);
    CHECK(*again >= scene.start + seconds(10) + kEventLives);
    CHECK(*again <= scene.start + seconds(40) + kEventLives);
    const auto later =
        static_cast<int>(std::chrono::duration_cast<seconds>(*again - scene.start).count());
    CHECK(scene.at(later, "later") == Words{"later"});
}

TEST_CASE("what hinders all pods of the node is told once, of the node, while it hinders one") {
    std::vector<kube::Pod> pods;
    std::vector<const kube::Pod*> shown;
    PodCaptures captures;
    for (const std::string name : {"a", "b", "c"}) {
        pods.push_back({.namespace_name = "default", .name = name, .uid = "uid-" + name});
        captures[{"default", name}] = {.obstacle = "no ztunnel", .is_nodes = true};
    }
    for (const auto& pod : pods)
        shown.push_back(&pod);
    captures[{"default", "b"}] = {.obstacle = "no veth"};
    Obstacles obstacles;
    const Obstacles::Time start;
    CHECK(obstacles.due(shown, captures, start).empty());
    const Obstacles::Due node = {.pod = std::nullopt, .why = "no ztunnel"};
    const Obstacles::Due own = {.pod = ref_of(pods[1]), .why = "no veth"};
    CHECK(obstacles.due(shown, captures, start + seconds(10)) == std::vector{node, own});
    obstacles.told(node, start + seconds(10));
    obstacles.told(own, start + seconds(10));
    // Another pod is hindered by it: that is known already.
    shown.erase(shown.begin());
    CHECK(obstacles.due(shown, captures, start + seconds(30)).empty());
    captures[{"default", "c"}] = {.captured = true};
    CHECK(obstacles.due(shown, captures, start + seconds(10) + kTellAgain) == std::vector{own});
}

}  // namespace
}  // namespace ambient::agent
