#include "node-agent/leave/fate.hpp"

#include <optional>
#include <string>

#include "fake_api.hpp"

namespace ambient::agent {
namespace {

using namespace std::chrono_literals;

// As kube-apiserver answers.
constexpr const char* kThere =
    R"({"kind": "DaemonSet", "apiVersion": "apps/v1",
        "metadata": {"name": "agent", "namespace": "mesh", "uid": "u-1"},
        "spec": {"template": {"spec": {"nodeSelector": {"mesh": "yes"}}}}})";
constexpr const char* kTerminating =
    R"({"kind": "DaemonSet", "apiVersion": "apps/v1",
        "metadata": {"name": "agent", "namespace": "mesh", "uid": "u-1",
                     "deletionTimestamp": "2026-01-01T00:00:00Z"}})";
constexpr const char* kGone =
    R"({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404,
        "message": "daemonsets.apps \"agent\" not found", "reason": "NotFound",
        "details": {"name": "agent", "group": "apps", "kind": "daemonsets"}})";
constexpr const char* kNode =
    R"({"kind": "Node", "apiVersion": "v1",
        "metadata": {"name": "node-a", "labels": {"mesh": "yes"}}})";
constexpr const char* kNodeOutside =
    R"({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "node-a", "labels": {}}})";

struct Stopped {
    explicit Stopped(std::chrono::milliseconds total = 400ms) : patience(total) {}

    FakeApi api;
    std::chrono::milliseconds patience;
    FateOfInstallation fate = made(false);
    std::optional<Fate> decided;

    FateOfInstallation made(bool refused_token_uninstalls) {
        return {api.io,
                api.send(),
                {.daemonset = "mesh/agent",
                 .node = "node-a",
                 .refused_token_uninstalls = refused_token_uninstalls},
                {.total = patience, .retries = {.first = 5ms, .most = 5ms}}};
    }
    // What the server said when we started.
    void start(FateOfInstallation& of, int status, const char* body = "{}") {
        of.look();
        api.answer(0, status, body);
        of.decide([this](Fate got) { decided = got; });
    }
    void start(int status, const char* body = "{}") { start(fate, status, body); }
    // Answers everything so, until it is decided.
    void answer_all(int status, const char* body = "{}", std::size_t first = 1) {
        for (std::size_t i = first; !decided && i < 100; ++i) {
            while (!decided && api.all.size() <= i) {
                api.io.restart();
                api.io.run_one_for(10s);
            }
            if (!decided) api.answer(i, status, body);
        }
    }
};

// Where only the deadline decides.
struct SoonOver : Stopped {
    SoonOver() : Stopped(60ms) {}
};

TEST_CASE_FIXTURE(Stopped, "the DaemonSet says what becomes of the installation") {
    start(200, kThere);
    SUBCASE("it is there, and wants this node") {
        api.answer(1, 200, kThere);
        CHECK(api.request(2).path == "/api/v1/nodes/node-a");
        api.answer(2, 200, kNode);
        CHECK(decided == Fate::stays);
    }
    SUBCASE("it is there, and wants this node no more") {
        api.answer(1, 200, kThere);
        api.answer(2, 200, kNodeOutside);
        CHECK(decided == Fate::goes);
    }
    SUBCASE("it is on its way out") {
        api.answer(1, 200, kTerminating);
        CHECK(decided == Fate::goes);
    }
    SUBCASE("it is gone") {
        api.answer(1, 404, kGone);
        CHECK(decided == Fate::goes);
    }
    SUBCASE("it is gone, as is seen at the second try") {
        api.answer(1, 503);
        api.wait(3);
        CHECK_FALSE(decided);
        api.answer(2, 404, kGone);
        CHECK(decided == Fate::goes);
    }
    api.settle(500ms);  // the deadline has no second say
    CHECK(decided.has_value());
}

TEST_CASE_FIXTURE(SoonOver, "a 404 that is not the API server's word about our DaemonSet is none") {
    start(200, kThere);
    SUBCASE("a load balancer's") { answer_all(404, "<html>404 Not Found</html>"); }
    SUBCASE("a server's that does not know the resource yet") {
        answer_all(404, "404 page not found\n");
    }
    SUBCASE("the same as a Status") {
        answer_all(404, R"({"kind": "Status", "status": "Failure", "reason": "NotFound",
                            "message": "the server could not find the requested resource",
                            "details": {}, "code": 404})");
    }
    SUBCASE("about another one") {
        answer_all(404, R"({"kind": "Status", "status": "Failure", "reason": "NotFound",
                            "details": {"name": "other", "kind": "daemonsets"}, "code": 404})");
    }
    SUBCASE("something is there, but not that") {
        answer_all(200, R"({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})");
    }
    CHECK(decided == Fate::stays);
}

TEST_CASE_FIXTURE(Stopped, "who is stopped while it looks for the first time hears that out") {
    fate.look();
    fate.decide([this](Fate got) { decided = got; });
    CHECK(api.all.size() == 1);
    api.answer(0, 200, kThere);
    api.answer(1, 404, kGone);
    CHECK(decided == Fate::goes);
}

TEST_CASE_FIXTURE(Stopped, "what was never seen to be there is not gone") {
    start(404, kGone);
    api.answer(1, 404, kGone);
    CHECK(decided == Fate::stays);
}

TEST_CASE_FIXTURE(SoonOver, "who cannot tell whether the node is still wanted stays") {
    start(200, kThere);
    api.answer(1, 200, kThere);
    SUBCASE("we may not read it") { api.answer(2, 403); }
    SUBCASE("it is gone itself") { api.answer(2, 404); }
    SUBCASE("something else is shown") { api.answer(2, 200, kThere); }
    SUBCASE("the server is away by then") {
        api.break_off(2);
        answer_all(503, "{}", 3);
    }
    CHECK(decided == Fate::stays);
}

TEST_CASE_FIXTURE(SoonOver, "who is not told leaves everything in place, within the deadline") {
    start(200, kThere);
    SUBCASE("no answer") { api.settle(150ms); }
    SUBCASE("failures") { answer_all(500); }
    SUBCASE("no rights any more") { answer_all(403); }
    SUBCASE("no account any more") { answer_all(401); }
    CHECK(decided == Fate::stays);
}

TEST_CASE_FIXTURE(SoonOver, "a token that is refused for good, where that is to count") {
    auto trusting = made(true);
    SUBCASE("it was good before") {
        start(trusting, 200, kThere);
        answer_all(401);
        CHECK(decided == Fate::goes);
    }
    SUBCASE("it was good later than at the start") {
        trusting.look();
        api.answer(0, 401);
        trusting.look();
        api.answer(1, 200, kThere);
        trusting.look();  // known by now
        trusting.decide([this](Fate got) { decided = got; });
        CHECK(api.all.size() == 3);
        answer_all(401, "{}", 2);
        CHECK(decided == Fate::goes);
    }
    SUBCASE("it was never good") {
        start(trusting, 401);
        answer_all(401);
        CHECK(decided == Fate::stays);
    }
    SUBCASE("one refusal alone says nothing") {
        start(trusting, 200, kThere);
        api.answer(1, 401);
        api.wait(3);
        api.settle(150ms);
        CHECK(decided == Fate::stays);
    }
}

}  // namespace
}  // namespace ambient::agent
