#include "node-agent/report/status/api.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include <asio/steady_timer.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ambient::agent {

Send send_by(kubeapi::Client& client, asio::io_context& io, Budget& writes) {
    return within(writes, io, [&client](kubeapi::Request request, kubeapi::Client::Done done) {
        return client.send(std::move(request), std::move(done));
    });
}

Send within(Budget& writes, asio::io_context& io, Send send) {
    return [&writes, &io, send = std::move(send)](kubeapi::Request request,
                                                  kubeapi::Client::Done done) {
        if (request.method == "GET") return send(std::move(request), std::move(done));
        const auto now = Budget::Clock::now();
        const auto when = writes.spend(now);
        if (when <= now) return send(std::move(request), std::move(done));
        struct Waiting {
            asio::steady_timer turn;
            kubeapi::Call call;
        };
        auto waiting = std::make_shared<Waiting>(asio::steady_timer(io, when), kubeapi::Call());
        waiting->turn.async_wait([weak = std::weak_ptr(waiting), send, request = std::move(request),
                                  done = std::move(done)](const asio::error_code& code) mutable {
            // Cancelling does not take back a handler that is queued already.
            const auto alive = weak.lock();
            if (code || !alive) return;
            alive->call = send(std::move(request), std::move(done));
        });
        return kubeapi::Call([waiting = std::move(waiting)]() mutable { waiting.reset(); });
    };
}

Verdict judge(const Result<kubeapi::Response>& answer) {
    // A deadline may be a webhook's that one object waits for.
    if (!answer)
        return answer.error().errno_value == ETIMEDOUT ? Verdict::failed : Verdict::unavailable;
    const int status = answer->status;
    if (status >= 200 && status < 300) return Verdict::done;
    // "failed calling webhook" is a 500, one that takes too long a 504 (apiserver/pkg/admission).
    if (status == 500 || status == 504) return Verdict::failed;
    // 408 and 429: too busy. 401: a token that is about to be replaced.
    const bool all_alike = status > 500 || status == 401 || status == 408 || status == 429;
    return all_alike ? Verdict::unavailable : Verdict::refused;
}

std::chrono::milliseconds wait_after(const Result<kubeapi::Response>& answer,
                                     std::chrono::milliseconds pause) {
    if (!answer || !answer->retry_after) return pause;
    return std::max<std::chrono::milliseconds>(pause, *answer->retry_after);
}

// A failure's body is a Status object (API conventions, "Response Status Kind").
std::string describe(const Result<kubeapi::Response>& answer) {
    if (!answer) return describe(answer.error());
    const auto status = nlohmann::json::parse(answer->body, nullptr, false);
    const auto message = status.is_object() ? status.find("message") : status.end();
    if (message == status.end() || !message->is_string())
        return fmt::format("status {}", answer->status);
    return fmt::format("status {}: {}", answer->status, message->get<std::string>());
}

}  // namespace ambient::agent
