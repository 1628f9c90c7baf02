#include "node-agent/leave/fate.hpp"

#include <utility>

#include "node-agent/loop/log.hpp"
#include "node-agent/report/status/requests.hpp"

namespace ambient::agent {
namespace {

constexpr int kUnauthorized = 3;  // in a row, until the end

}  // namespace

FateOfInstallation::FateOfInstallation(asio::io_context& io, Send send, std::string daemonset,
                                       FateLimits limits)
    : send_(std::move(send)),
      daemonset_(std::move(daemonset)),
      limits_(limits),
      retry_(io),
      deadline_(io),
      backoff_(limits.retries),
      last_(std::unexpected(
          Error{.kind = ErrorKind::unavailable, .doing = "the API server did not answer"})) {}

void FateOfInstallation::look() {
    if (was_allowed_ || then_) return;
    call_ = send_(get_daemonset(daemonset_), [this](const auto& answer) {
        was_allowed_ = judge(answer) == Verdict::done;
        const auto refusal = was_allowed_ ? std::string() : describe(answer);
        const bool is_news = std::exchange(last_refusal_, refusal) != refusal;
        if (was_allowed_ || !is_news) return;
        log(LogLevel::warning, "own DaemonSet not read",
            {{"daemonset", daemonset_},
             {"answer", refusal},
             {"then", "when the agent is stopped everything stays in place"}});
    });
}

void FateOfInstallation::decide(Then then) {
    then_ = std::move(then);
    deadline_.expires_after(limits_.total);
    deadline_.async_wait([this](const asio::error_code& code) {
        if (!code) give_up();
    });
    ask();
}

void FateOfInstallation::ask() {
    call_ = send_(get_daemonset(daemonset_), [this](const auto& answer) { take(answer); });
}

void FateOfInstallation::take(const Result<kubeapi::Response>& answer) {
    last_ = answer;
    unauthorized_ = answer && answer->status == 401 ? unauthorized_ + 1 : 0;
    if (answer && answer->status == 404) return settle(Fate::goes, "the DaemonSet is gone");
    if (answer && answer->status == 200) {
        if (is_terminating(answer->body))
            return settle(Fate::goes, "the DaemonSet is being deleted");
        return settle(Fate::stays, "the DaemonSet is there");
    }
    retry_.expires_after(backoff_.next());
    retry_.async_wait([this](const asio::error_code& code) {
        if (!code) ask();
    });
}

// `kubectl delete -k` may delete our service account and its rights before the DaemonSet. Without
// the account its token is worth nothing (401, again and again); without the rights the account may
// no longer ask (403), which can have other reasons.
void FateOfInstallation::give_up() {
    if (was_allowed_ && unauthorized_ >= kUnauthorized)
        return settle(Fate::goes, "our service account is gone");
    settle(Fate::stays, "cannot tell whether the DaemonSet is gone (" + describe(last_) +
                            "); if it is, run: ambient-node-agent uninstall");
}

void FateOfInstallation::settle(Fate fate, const std::string& why) {
    retry_.cancel();
    deadline_.cancel();
    call_ = {};
    log(LogLevel::info, fate == Fate::goes ? "uninstalling" : "installation stays",
        {{"daemonset", daemonset_}, {"reason", why}});
    std::exchange(then_, nullptr)(fate);
}

}  // namespace ambient::agent
