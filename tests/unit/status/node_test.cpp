// TaintRemover and FateOfInstallation.
#include <optional>
#include <string>

#include "fake_api.hpp"
#include "node-agent/leave/fate.hpp"
#include "node-agent/report/status/taint.hpp"

namespace ambient::agent {
namespace {

using namespace std::chrono_literals;

constexpr const char* kTainted = R"({"spec": {"taints": [{"key": "example.com/wait"}]}})";
constexpr const char* kClean = R"({"spec": {}})";

struct Tainted {
    FakeApi api;
    TaintRemover remover{api.io, api.send(), "node-a", "example.com/wait"};
};

TEST_CASE_FIXTURE(Tainted, "the taint goes when the node is ready, and that is looked at") {
    remover.ready(false);
    api.settle();
    CHECK(api.all.empty());
    remover.ready(true);
    remover.ready(true);
    api.wait(1);
    api.answer(0, 200, kTainted);
    api.wait(2);
    CHECK(api.request(1).method == "PATCH");
    api.answer(1, 200);
    api.wait(3);
    CHECK(api.request(2).method == "GET");
    api.answer(2, 200, kClean);
    api.settle();
    CHECK(api.all.size() == 3);
    remover.ready(false);
    remover.ready(true);
    api.wait(4);
}

TEST_CASE_FIXTURE(Tainted, "whatever fails is tried again, from the start") {
    remover.ready(true);
    api.wait(1);
    SUBCASE("the node is not shown") { api.break_off(0); }
    SUBCASE("we may not") { api.answer(0, 403); }
    SUBCASE("nonsense") { api.answer(0, 200, "nonsense"); }
    if (api.is_cancelled(0)) {
        api.settle(200ms);
        CHECK(api.all.size() == 1);  // not at once
        return api.wait(2);
    }
    api.answer(0, 200, kTainted);
    api.wait(2);
    api.answer(1, 422);  // the taints have moved
    api.wait(3);
    CHECK(api.request(2).method == "GET");
}

TEST_CASE_FIXTURE(Tainted, "a node that is not ready any more is left alone") {
    remover.ready(true);
    api.wait(1);
    remover.ready(false);
    CHECK(api.is_cancelled(0));
    api.settle();
    CHECK(api.all.size() == 1);
}

struct Stopped {
    FakeApi api;
    FateOfInstallation fate{api.io,
                            api.send(),
                            "mesh/agent",
                            {.total = 400ms, .retries = {.first = 20ms, .most = 20ms}}};
    std::optional<Fate> decided;

    // What the server said when we started.
    void start(int status) {
        fate.look();
        api.answer(0, status);
        fate.decide([this](Fate got) { decided = got; });
    }
    // Answers everything so, until it is decided.
    void answer_all(int status, std::size_t first = 1) {
        for (std::size_t i = first; !decided && i < 100; ++i) {
            while (!decided && api.all.size() <= i) {
                api.io.restart();
                api.io.run_one_for(10s);
            }
            if (!decided) api.answer(i, status);
        }
    }
};

TEST_CASE_FIXTURE(Stopped, "the DaemonSet says what becomes of the installation") {
    start(200);
    SUBCASE("it is there") {
        api.answer(1, 200, R"({"metadata": {"name": "agent"}})");
        CHECK(decided == Fate::stays);
    }
    SUBCASE("it is on its way out") {
        api.answer(1, 200, R"({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})");
        CHECK(decided == Fate::goes);
    }
    SUBCASE("it is gone") {
        api.answer(1, 404);
        CHECK(decided == Fate::goes);
    }
    SUBCASE("it is gone, as is seen at the second try") {
        api.answer(1, 503);
        api.wait(3);
        CHECK_FALSE(decided);
        api.answer(2, 404);
        CHECK(decided == Fate::goes);
    }
    api.settle(500ms);  // the deadline has no second say
    CHECK(decided.has_value());
}

TEST_CASE_FIXTURE(Stopped, "who is not told leaves everything in place, within the deadline") {
    start(200);
    SUBCASE("no answer") { api.settle(600ms); }
    SUBCASE("failures") { answer_all(500); }
    SUBCASE("no rights any more") { answer_all(403); }
    CHECK(decided == Fate::stays);
}

TEST_CASE_FIXTURE(Stopped, "our service account was deleted with the DaemonSet") {
    SUBCASE("its token was good before") {
        start(200);
        answer_all(401);
        CHECK(decided == Fate::goes);
    }
    SUBCASE("its token was good later than at the start") {
        fate.look();
        api.answer(0, 401);
        fate.look();
        api.answer(1, 200);
        fate.look();  // known by now
        fate.decide([this](Fate got) { decided = got; });
        CHECK(api.all.size() == 3);
        answer_all(401, 2);
        CHECK(decided == Fate::goes);
    }
    SUBCASE("its token was never good") {
        start(401);
        answer_all(401);
        CHECK(decided == Fate::stays);
    }
    SUBCASE("one refusal alone says nothing") {
        start(200);
        api.answer(1, 401);
        api.wait(3);
        api.settle(600ms);
        CHECK(decided == Fate::stays);
    }
}

}  // namespace
}  // namespace ambient::agent
