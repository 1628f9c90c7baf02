#include "node-agent/report/status/taint.hpp"

#include "fake_api.hpp"

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

}  // namespace
}  // namespace ambient::agent
