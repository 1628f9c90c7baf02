#include "node-agent/report/status/taint.hpp"

#include <chrono>
#include <utility>

#include "node-agent/loop/log.hpp"
#include "node-agent/report/status/requests.hpp"

namespace ambient::agent {
namespace {

using namespace std::chrono_literals;

// A node's object is large, and its taints rarely change.
constexpr auto kLookAgain = 5min;

}  // namespace

TaintRemover::TaintRemover(asio::io_context& io, Send send, std::string node, std::string key)
    : send_(std::move(send)),
      node_(std::move(node)),
      key_(std::move(key)),
      timer_(io),
      backoff_({.first = 500ms, .most = 60s}) {}

void TaintRemover::ready(bool is_ready) {
    if (std::exchange(is_ready_, is_ready) == is_ready) return;
    if (is_ready) return look();
    timer_.cancel();
    call_ = {};
}

void TaintRemover::look() {
    call_ = send_(get_node(node_), [this](const auto& answer) { take_node(answer); });
}

void TaintRemover::take_node(const Result<kubeapi::Response>& answer) {
    if (judge(answer) != Verdict::done) return retry(answer);
    const auto places = taints_in(answer->body, key_);
    if (!places) return retry(answer);
    if (places->empty()) {
        backoff_.reset();
        last_failure_.clear();
        return look_after(kLookAgain);
    }
    call_ = send_(remove_taints(node_, key_, *places),
                  [this](const auto& removal) { take_removal(removal); });
}

void TaintRemover::take_removal(const Result<kubeapi::Response>& answer) {
    if (judge(answer) != Verdict::done) return retry(answer);
    log(LogLevel::info, "taint removed", {{"node", node_}, {"taint", key_}});
    // Seen to be gone only by looking.
    look();
}

// Also after a refusal: it may only say that the taints have changed since they were read.
void TaintRemover::retry(const Result<kubeapi::Response>& answer) {
    const auto text = describe(answer);
    const bool is_new = std::exchange(last_failure_, text) != text;
    log(is_new ? LogLevel::warning : LogLevel::debug, "taint not removed",
        {{"node", node_}, {"taint", key_}, {"answer", text}});
    look_after(wait_after(answer, backoff_.next()));
}

void TaintRemover::look_after(std::chrono::milliseconds wait) {
    timer_.expires_after(wait);
    timer_.async_wait([this](const asio::error_code& code) {
        if (!code) look();
    });
}

}  // namespace ambient::agent
