#include "node-agent/report/status/budget.hpp"

#include "fake_api.hpp"

namespace ambient::agent {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a budget lets a burst through, then so many a second, and saves up no more than that") {
    Budget budget({.burst = 3, .period = 200ms});
    Budget::Clock::time_point now{1h};
    for (int i = 0; i < 3; ++i)
        CHECK(budget.spend(now) == now);
    CHECK(budget.spend(now) == now + 200ms);
    CHECK(budget.spend(now + 100ms) == now + 400ms);
    now += 600ms;
    CHECK(budget.spend(now) == now);
    CHECK(budget.spend(now) == now + 200ms);
    now += 1h;
    for (int i = 0; i < 3; ++i)
        CHECK(budget.spend(now) == now);
    CHECK(budget.spend(now) > now);
}

struct Sender {
    kubeapi::Call ask(const Send& send, std::string method) {
        return send({.method = std::move(method), .path = "/"}, [&](const auto&) { ++answers; });
    }

    FakeApi api;
    Budget writes{{.burst = 1, .period = 100ms}};
    // Two who write: one budget for both.
    Send one = within(writes, api.io, api.send());
    Send other = within(writes, api.io, api.send());
    int answers = 0;
};

TEST_CASE_FIXTURE(Sender, "a write waits for its turn, whoever made the one before") {
    const auto began = std::chrono::steady_clock::now();
    const auto first = ask(one, "PATCH");
    CHECK(api.all.size() == 1);
    const auto second = ask(other, "POST");
    CHECK(api.all.size() == 1);
    const auto read = ask(other, "GET");
    CHECK(api.all.size() == 2);
    CHECK(api.request(1).method == "GET");
    api.wait(3);
    CHECK(std::chrono::steady_clock::now() - began >= 100ms);
    CHECK(api.request(2).method == "POST");
    api.answer(2, 201);
    CHECK(answers == 1);
}

TEST_CASE_FIXTURE(Sender,
                  "a write that is cancelled while it waits is not made, and later is cut off") {
    const auto first = ask(one, "PATCH");
    {
        const auto second = ask(one, "PATCH");
    }
    auto third = ask(one, "PATCH");
    api.wait(2);
    api.settle(300ms);
    CHECK(api.all.size() == 2);
    third = {};
    CHECK(api.is_cancelled(1));
}

}  // namespace
}  // namespace ambient::agent
