#include "node-agent/report/status/writer.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/overloaded.hpp"
#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

using namespace std::chrono_literals;

// Many changes come together: a pod that starts changes several times within this.
constexpr auto kSoon = 100ms;
constexpr int kConflict = 409;
constexpr Backoff::Bounds kDelays = {.first = 500ms, .most = 60s};

}  // namespace

StatusWriter::StatusWriter(asio::io_context& io, Send send, const config::AgentConfig& config,
                           std::function<View()> view)
    : send_(std::move(send)),
      policy_(config.policy),
      wanted_(config.status),
      node_name_(config.node_name),
      view_(std::move(view)),
      timer_(io),
      pause_(kDelays) {}

void StatusWriter::look_soon() { look_at(Clock::now() + kSoon); }

void StatusWriter::look_again() {
    written_.clear();
    look_soon();
}

void StatusWriter::look_at(Clock::time_point when) {
    if (when >= timer_at_) return;
    timer_at_ = when;
    timer_.expires_at(when);
    timer_.async_wait([this](const asio::error_code& code) {
        if (code) return;
        timer_at_ = Clock::time_point::max();
        look();
    });
}

StatusWriter::Key StatusWriter::key_of(const Write& write) {
    return std::visit(
        Overloaded{[](const AnnotationWrite& annotation) {
                       return Key{.is_event = false, .pod = annotation.pod};
                   },
                   [](const Obstacles::Due& due) { return Key{.is_event = true, .pod = due.pod}; }},
        write);
}

void StatusWriter::look() {
    const auto view = view_();
    const auto now = Clock::now();
    forget_shown(written_, policy_, view.shown);
    forget_delays(view.shown);
    queue_.clear();
    if (wanted_.events) {
        for (auto& due : obstacles_.due(view.shown, view.captures, now))
            queue_.emplace_back(std::move(due));
        if (const auto next = obstacles_.next()) look_at(*next);
    }
    if (wanted_.annotate && view.verified) {
        for (auto& write : annotation_writes(policy_, view.shown, view.captures, written_))
            queue_.emplace_back(std::move(write));
    }
    std::erase_if(queue_, [&](const Write& write) {
        // Looked at again when that one is answered.
        if (under_way_.contains(key_of(write))) return true;
        const auto delay = delays_.find(key_of(write));
        if (delay == delays_.end() || delay->second.until <= now) return false;
        look_at(delay->second.until);
        return true;
    });
    send_next();
}

void StatusWriter::forget_delays(const std::vector<const kube::Pod*>& shown) {
    if (delays_.empty()) return;
    std::set<Obstacles::Owner> alive = {std::nullopt};
    for (const auto* pod : shown)
        alive.insert(ref_of(*pod));
    std::erase_if(delays_, [&](const auto& delay) { return !alive.contains(delay.first.pod); });
}

void StatusWriter::send_next() {
    if (queue_.empty()) return;
    if (Clock::now() < paused_until_) return look_at(paused_until_);
    while (!queue_.empty() && under_way_.size() < kMaxStatusRequests) {
        const auto write = std::move(queue_.back());
        queue_.pop_back();
        const auto key = key_of(write);
        under_way_[key] = send_(
            request_for(write),
            [this, write](const Result<kubeapi::Response>& answer) { take_answer(write, answer); });
    }
}

kubeapi::Request StatusWriter::request_for(const Write& write) const {
    return std::visit(
        Overloaded{[&](const AnnotationWrite& what) {
                       const auto& name = policy_.redirection_annotation;
                       return what.enabled ? set_annotation(what.pod, what.resource_version, name)
                                           : clear_annotation(what.pod, name);
                   },
                   [&](const Obstacles::Due& due) {
                       return not_captured_event(due.pod, due.why, node_name_,
                                                 std::chrono::system_clock::now());
                   }},
        write);
}

void StatusWriter::take_answer(const Write& write, const Result<kubeapi::Response>& answer) {
    const auto key = key_of(write);
    under_way_.erase(key);
    // An Event of this name is there already: by an agent before us.
    const bool is_there = key.is_event && answer && answer->status == kConflict;
    const auto verdict = is_there ? Verdict::done : judge(answer);
    if (verdict == Verdict::done) {
        pause_.reset();
        delays_.erase(key);
        last_failure_.clear();
        std::visit(
            Overloaded{[&](const AnnotationWrite& annotation) {
                           written_[annotation.pod] = {
                               .enabled = annotation.enabled,
                               .resource_version = annotation.resource_version};
                       },
                       [&](const Obstacles::Due& due) { obstacles_.told(due, Clock::now()); }},
            write);
    } else {
        const auto text = describe(answer);
        // Somebody changed the pod while we looked at it, as the kubelet does all the time.
        const bool is_overtaken = !key.is_event && answer && answer->status == kConflict;
        const bool is_news = !is_overtaken && std::exchange(last_failure_, text) != text;
        log(is_news ? LogLevel::warning : LogLevel::debug, "status not written",
            {key.pod ? Field("pod", to_string(key.pod->id)) : Field("node", node_name_),
             {"what", key.is_event ? "event" : "annotation"},
             {"answer", text}});
        if (verdict == Verdict::unavailable) {
            pause(answer);
        } else if (verdict == Verdict::refused && key.is_event) {
            // Its namespace is on its way out.
            obstacles_.told(std::get<Obstacles::Due>(write), Clock::now());
        } else {
            retry_later(write, answer);
        }
    }
    ++counters_[{.what = key.is_event ? "event" : "annotation",
                 .result = verdict == Verdict::done      ? "success"
                           : verdict == Verdict::refused ? "refused"
                                                         : "failure"}];
    send_next();
    look_soon();
}

// The pod is gone, another one by now, or somebody else has written to it: what is wanted then is
// seen when the source shows it.
void StatusWriter::retry_later(const Write& write, const Result<kubeapi::Response>& answer) {
    auto& delay =
        delays_.try_emplace(key_of(write), Backoff(kDelays), Clock::time_point()).first->second;
    delay.until = Clock::now() + wait_after(answer, delay.backoff.next());
}

// Several may have been under way: the pause grows once for all of them, and the longest that the
// server asked for counts.
void StatusWriter::pause(const Result<kubeapi::Response>& answer) {
    const auto now = Clock::now();
    const bool is_first = now >= paused_until_;
    const auto wait = wait_after(answer, is_first ? pause_.next() : std::chrono::milliseconds(0));
    paused_until_ = std::max(paused_until_, now + wait);
}

}  // namespace ambient::agent
