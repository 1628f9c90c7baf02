#include "node-agent/leave/fate.hpp"

#include <utility>

#include "node-agent/loop/log.hpp"
#include "node-agent/report/status/requests.hpp"

namespace ambient::agent {
namespace {

constexpr int kUnauthorized = 3;  // in a row, until the end

}  // namespace

FateOfInstallation::FateOfInstallation(asio::io_context& io, Send send, Of of, FateLimits limits)
    : send_(std::move(send)),
      of_(std::move(of)),
      limits_(limits),
      retry_(io),
      deadline_(io),
      backoff_(limits.retries),
      last_(std::unexpected(
          Error{.kind = ErrorKind::unavailable, .doing = "the API server did not answer"})) {}

void FateOfInstallation::look() {
    if (!seen_.empty() || then_) return;
    is_looking_ = true;
    call_ = send_(get_daemonset(of_.daemonset), [this](const auto& answer) {
        is_looking_ = false;
        const auto found = answer ? daemonset_in(*answer, of_.daemonset) : std::nullopt;
        if (found) seen_ = found->uid;
        if (then_) return ask();
        const auto refusal = found ? std::string() : describe(answer);
        const bool is_news = std::exchange(last_refusal_, refusal) != refusal;
        if (found || !is_news) return;
        log(LogLevel::warning, "own DaemonSet not read",
            {{"daemonset", of_.daemonset},
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
    // A look that is under way tells first what was there.
    if (!is_looking_) ask();
}

void FateOfInstallation::ask() {
    call_ = send_(get_daemonset(of_.daemonset), [this](const auto& answer) { take(answer); });
}

void FateOfInstallation::take(const Result<kubeapi::Response>& answer) {
    last_ = answer;
    unauthorized_ = answer && answer->status == 401 ? unauthorized_ + 1 : 0;
    if (!answer) return try_again();
    if (const auto found = daemonset_in(*answer, of_.daemonset)) {
        if (found->terminating) return settle(Fate::goes, "the DaemonSet is being deleted");
        return ask_node(answer->body);
    }
    if (!says_gone(*answer, of_.daemonset)) return try_again();
    if (seen_.empty())
        return settle(Fate::stays, "there is no such DaemonSet, nor was there when we started");
    settle(Fate::goes, "the DaemonSet is gone");
}

void FateOfInstallation::ask_node(std::string daemonset_json) {
    call_ = send_(get_node(of_.node), [this, text = std::move(daemonset_json)](const auto& answer) {
        take_node(text, answer);
    });
}

void FateOfInstallation::take_node(const std::string& daemonset_json,
                                   const Result<kubeapi::Response>& answer) {
    last_ = answer;
    if (judge(answer) == Verdict::unavailable) return try_again();
    const auto wanted =
        answer->status == 200 ? wants_node(daemonset_json, answer->body, of_.node) : std::nullopt;
    if (!wanted) {
        return settle(Fate::stays,
                      "the DaemonSet is there; whether it still wants this node is "
                      "not known (" +
                          describe(answer) + ")");
    }
    if (*wanted) return settle(Fate::stays, "the DaemonSet is there");
    settle(Fate::goes, "the DaemonSet's node selector or affinity leaves out this node");
}

void FateOfInstallation::try_again() {
    retry_.expires_after(backoff_.next());
    retry_.async_wait([this](const asio::error_code& code) {
        if (!code) ask();
    });
}

// `kubectl delete -k` may delete our service account and its rights before the DaemonSet. Without
// the account its token is worth nothing (401, again and again); without the rights the account may
// no longer ask (403). Both have other reasons, so neither is a proof; the first is taken for one
// where that is configured.
void FateOfInstallation::give_up() {
    if (of_.refused_token_uninstalls && !seen_.empty() && unauthorized_ >= kUnauthorized)
        return settle(Fate::goes, "our token is refused: the service account is gone");
    settle(Fate::stays, "cannot tell whether the DaemonSet is gone (" + describe(last_) +
                            "); if it is, run: ambient-node-agent uninstall");
}

void FateOfInstallation::settle(Fate fate, const std::string& why) {
    retry_.cancel();
    deadline_.cancel();
    call_ = {};
    log(LogLevel::info, fate == Fate::goes ? "uninstalling" : "installation stays",
        {{"daemonset", of_.daemonset}, {"reason", why}});
    std::exchange(then_, nullptr)(fate);
}

}  // namespace ambient::agent
