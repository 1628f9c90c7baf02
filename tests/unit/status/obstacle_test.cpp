#include "node-agent/report/status/obstacle.hpp"

#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ambient::agent {
namespace {

using std::chrono::seconds;

struct Scene {
    Obstacle obstacle;
    Obstacle::Time start;
    std::optional<Obstacle::Time> next;  // when to tell, if that is later

    // What is to be told so many seconds after the start.
    std::vector<std::string> at(int second, const std::string& why, bool tell = true) {
        const auto now = start + seconds(second);
        const auto when = obstacle.stands(why, now);
        next = when && *when > now ? when : std::nullopt;
        if (!when || *when > now) return {};
        if (tell) obstacle.told(why, now);
        return {why};
    }
};

using Words = std::vector<std::string>;

TEST_CASE("an obstacle that lasts is told, and not at every look") {
    Scene scene;
    CHECK(scene.at(0, "no veth").empty());
    CHECK(scene.next == scene.start + kObstacleLasts);
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
    CHECK(scene.next == scene.start + seconds(10) + kTellAgain);
    int last = 10;
    for (int second = 12; second < 3 * 3600; second += 10) {
        if (scene.at(second, "no veth").empty()) continue;
        CHECK(second - last < 3600);
        CHECK(second - last >= 600);
        last = second;
    }
    CHECK(last > 2 * 3600);
    CHECK(scene.at(4 * 3600, "").empty());
    CHECK(scene.next == std::nullopt);
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

TEST_CASE("it is forgotten when nothing is to be known of it any more") {
    Scene scene;
    CHECK(scene.obstacle.is_forgotten());
    scene.at(0, "no veth");
    CHECK_FALSE(scene.obstacle.is_forgotten());
    scene.at(10, "no veth");
    scene.at(20, "");
    CHECK_FALSE(scene.obstacle.is_forgotten());  // an Event of it is there
    scene.at(2 * 3600, "");
    CHECK(scene.obstacle.is_forgotten());
}

TEST_CASE("whom it hinders") {
    kube::Pod pod;
    const auto view = [&](std::optional<PodCapture> capture) {
        return PodView{.shown = &pod, .capture = std::move(capture)};
    };
    const PodCapture own = {.obstacle = "no veth"};
    const PodCapture nodes = {.obstacle = "no ztunnel", .is_nodes = true};
    CHECK(obstacle_of(view(own), Hindered::pod) == "no veth");
    CHECK(obstacle_of(view(own), Hindered::node).empty());
    CHECK(obstacle_of(view(nodes), Hindered::pod).empty());
    CHECK(obstacle_of(view(nodes), Hindered::node) == "no ztunnel");
    CHECK(obstacle_of(view(std::nullopt), Hindered::pod).empty());
    CHECK(obstacle_of(view(PodCapture{.captured = true}), Hindered::pod).empty());
    pod.terminating = true;
    CHECK(obstacle_of(view(own), Hindered::pod).empty());
    CHECK(obstacle_of({.capture = own}, Hindered::pod).empty());
}

TEST_CASE("words that change all the time are told a few times") {
    Scene scene;
    scene.at(0, "0");
    std::size_t told = 0;
    for (int second = 10; second < 40; ++second)
        told += scene.at(second, std::to_string(second)).size();
    CHECK(told == kMaxEvents);
    // Not for ever: a node's causes may be many in a year.
    const auto again = scene.next;
    REQUIRE(again);
    CHECK(*again >= scene.start + seconds(10) + kEventLives);
    CHECK(*again <= scene.start + seconds(40) + kEventLives);
    const auto later =
        static_cast<int>(std::chrono::duration_cast<seconds>(*again - scene.start).count());
    CHECK(scene.at(later, "later") == Words{"later"});
}

}  // namespace
}  // namespace ambient::agent
