// An API server that answers when the test says so; StatusWriter and the others on a real loop.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include "node-agent/report/status/api.hpp"
#include "node-agent/report/status/writer.hpp"

namespace ambient::agent {

// A tenth of the real waits, and longer than FakeApi::settle() where that is to see nothing.
inline constexpr StatusWriter::Timing kTiming = {
    .soon = std::chrono::milliseconds(10),
    .obstacle_lasts = std::chrono::milliseconds(500),
    .delays = {.first = std::chrono::milliseconds(200), .most = std::chrono::seconds(60)}};

inline std::vector<PodId> ids_of(const std::map<PodId, kube::Pod>& pods) {
    const auto ids = pods | std::views::keys;
    return {ids.begin(), ids.end()};
}

class FakeApi {
  public:
    // Stays where it is: what it hands out refers to it.
    FakeApi() = default;
    FakeApi(const FakeApi&) = delete;
    FakeApi& operator=(const FakeApi&) = delete;

    Send send() {
        return [this](kubeapi::Request request, kubeapi::Client::Done done) {
            const auto asked = std::make_shared<Asked>(std::move(request), std::move(done));
            all.push_back(asked);
            return kubeapi::Call([weak = std::weak_ptr(asked)] {
                if (const auto still = weak.lock()) still->done = nullptr;
            });
        };
    }

    struct Asked {
        Asked(kubeapi::Request of, kubeapi::Client::Done then)
            : request(std::move(of)), done(std::move(then)) {}
        kubeapi::Request request;
        kubeapi::Client::Done done;  // null: answered or cancelled
    };

    // Runs the loop until at least so many requests were made in all.
    void wait(std::size_t count, std::chrono::seconds patience = std::chrono::seconds(10)) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (all.size() < count && std::chrono::steady_clock::now() < deadline) {
            io.restart();
            io.run_one_until(deadline);
        }
        REQUIRE(all.size() >= count);
    }

    // Runs the loop for a moment: everything that is due at once is done.
    void settle(std::chrono::milliseconds moment = std::chrono::milliseconds(50)) {
        io.restart();
        io.run_for(moment);
        io.poll();  // what came due while this thread had no processor
    }

    // To the request of this number.
    void answer(std::size_t number, Result<kubeapi::Response> with) {
        auto done = std::exchange(all.at(number)->done, nullptr);
        REQUIRE(done);
        done(std::move(with));
    }
    void answer(std::size_t number, int status, std::string body = "{}") {
        answer(number, kubeapi::Response{.status = status, .body = std::move(body)});
    }
    void break_off(std::size_t number) {
        answer(number, std::unexpected(Error{.kind = ErrorKind::unavailable, .doing = "test"}));
    }

    [[nodiscard]] bool is_cancelled(std::size_t number) const { return !all.at(number)->done; }
    [[nodiscard]] const kubeapi::Request& request(std::size_t number) const {
        return all.at(number)->request;
    }

    asio::io_context io;
    std::vector<std::shared_ptr<Asked>> all;
};

}  // namespace ambient::agent
