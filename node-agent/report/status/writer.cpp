#include "node-agent/report/status/writer.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

#include "common/base/overloaded.hpp"
#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

using namespace std::chrono_literals;

constexpr int kConflict = 409;
constexpr auto kNoDeletions = 10min;  // the first one after that is as if there had been none

}  // namespace

StatusWriter::StatusWriter(asio::io_context& io, Send send, const config::AgentConfig& config,
                           View view, const Timing& timing)
    : send_(std::move(send)),
      policy_(config.policy),
      wanted_(config.status),
      repair_(config.sidecar.repair),
      node_name_(config.node_name),
      view_(std::move(view)),
      timing_(timing),
      timer_(io),
      deletions_(timing.deletions),
      pause_(timing.delays) {}

void StatusWriter::look_soon(const ChangedPods& changed) {
    queue_.insert(changed.pods.begin(), changed.pods.end());
    if (changed.all) {
        for (const auto& pod : view_.all())
            queue_.emplace(pod);
        // Those that are gone are to be forgotten.
        std::ranges::copy(memories_ | std::views::keys, std::inserter(queue_, queue_.end()));
        queue_.insert(hindered_.begin(), hindered_.end());
        queue_.emplace(std::nullopt);
    }
    if (!queue_.empty()) work_at(Clock::now() + timing_.soon);
}

void StatusWriter::look_again() {
    for (auto& [owner, memory] : memories_) {
        memory.written.reset();
        memory.repaired = false;
    }
    look_soon({.all = true});
}

void StatusWriter::work_at(Clock::time_point when) {
    if (when >= timer_at_) return;
    timer_at_ = when;
    timer_.expires_at(when);
    timer_.async_wait([this](const asio::error_code& code) {
        if (code) return;
        timer_at_ = Clock::time_point::max();
        work();
    });
}

// One that is not needed any more by then costs one look.
void StatusWriter::wake_at(Clock::time_point when, const Owner& owner) {
    wakes_.emplace(when, owner);
}

StatusWriter::Key StatusWriter::key_of(const Write& write) {
    return std::visit(
        Overloaded{
            [](const AnnotationWrite& annotation) {
                return Key{.kind = Kind::annotation, .ref = annotation.pod};
            },
            [](const Event& event) { return Key{.kind = Kind::event, .ref = event.about}; },
            [](const Repair& repair) { return Key{.kind = Kind::repair, .ref = repair.pod}; }},
        write);
}

StatusWriter::Owner StatusWriter::owner_of(const Ref& ref) {
    return ref ? Owner(ref->id) : std::nullopt;
}

void StatusWriter::work() {
    const auto now = Clock::now();
    for (; !wakes_.empty() && wakes_.begin()->first <= now; wakes_.erase(wakes_.begin()))
        queue_.insert(wakes_.begin()->second);
    if (!queue_.empty() && now < paused_until_) return work_at(paused_until_);
    // With an answer it goes on.
    while (!queue_.empty() && under_way_.size() < kMaxStatusRequests) {
        const auto owner = *queue_.begin();
        const auto write = next_write(owner);
        if (!write) {
            queue_.erase(owner);
            continue;
        }
        under_way_[key_of(*write)] =
            send_(request_for(*write),
                  [this, write = *write](const auto& answer) { take_answer(write, answer); });
    }
    if (!wakes_.empty()) work_at(wakes_.begin()->first);
}

std::optional<StatusWriter::Write> StatusWriter::next_write(const Owner& owner) {
    const auto view = owner ? view_.pod(*owner) : PodView{};
    if (owner) note_hindered(*owner, !obstacle_of(view, Hindered::node).empty());
    if (owner && view.shown == nullptr) {
        memories_.erase(owner);
        return std::nullopt;
    }
    const auto ref = owner ? Ref(ref_of(*view.shown)) : std::nullopt;
    auto& memory = memories_[owner];
    const auto uid = ref ? ref->uid : std::string();
    if (memory.uid != uid) memory = {.uid = uid};
    std::optional<Write> write;
    if (owner) {
        const bool captured = view.capture && view.capture->captured;
        write = annotation_to_write(*view.shown, captured, memory);
    }
    if (!write) {
        const auto why = owner ? obstacle_of(view, Hindered::pod) : nodes_obstacle();
        const bool by_sidecar = view.capture && view.capture->by_sidecar;
        write = event_to_write(
            {.about = ref, .why = why, .missed = by_sidecar ? Missed::sidecar : Missed::capture},
            memory);
    }
    // What is done to the pod is said first.
    if (!write && owner) write = repair_to_write(view, memory);
    if (memory.is_empty()) memories_.erase(owner);
    return write;
}

std::optional<StatusWriter::Write> StatusWriter::annotation_to_write(const kube::Pod& pod,
                                                                     bool captured,
                                                                     Memory& memory) {
    if (memory.written && is_shown(*memory.written, policy_, pod)) memory.written.reset();
    if (!wanted_.annotate || !view_.verified()) return std::nullopt;
    auto write = annotation_write(policy_, pod, captured, memory.written);
    if (!write || !may_write(key_of(*write), memory)) return std::nullopt;
    return write;
}

std::optional<StatusWriter::Write> StatusWriter::event_to_write(Event event, Memory& memory) {
    const auto now = Clock::now();
    const auto when = memory.obstacle.stands(event.why, now, timing_.obstacle_lasts);
    if (!wanted_.events) return std::nullopt;
    if (when && *when > now) wake_at(*when, owner_of(event.about));
    if (!when || *when > now) return std::nullopt;
    if (!may_write(key_of(event), memory)) return std::nullopt;
    return event;
}

std::optional<StatusWriter::Write> StatusWriter::repair_to_write(const PodView& pod,
                                                                 Memory& memory) {
    const bool deletes = repair_ == config::SidecarRepair::delete_pod;
    if (!deletes && repair_ != config::SidecarRepair::label) return std::nullopt;
    if (!pod.capture || !pod.capture->is_bare || pod.shown->terminating) return std::nullopt;
    const auto label = pod.shown->labels.find(desired::kUninitialized);
    const bool is_labelled = label != pod.shown->labels.end() && label->second == "true";
    if (memory.repaired || (!deletes && is_labelled)) return std::nullopt;
    // The kubelet makes a static pod anew as it was.
    if (deletes && (!view_.heals() || !pod.shown->static_uid.empty())) return std::nullopt;
    const auto now = Clock::now();
    auto when = memory.obstacle.lasts_from(timing_.obstacle_lasts).value_or(now);
    if (deletes) when = std::max(when, next_deletion_);
    if (when > now) {
        wake_at(when, id_of(*pod.shown));
        return std::nullopt;
    }
    Repair repair = {.pod = ref_of(*pod.shown), .resource_version = pod.shown->resource_version};
    if (!may_write(key_of(repair), memory)) return std::nullopt;
    if (deletes) {
        if (now > next_deletion_ + kNoDeletions) deletions_.reset();
        next_deletion_ = now + deletions_.next();
    }
    return repair;
}

std::string_view StatusWriter::what_of(Kind kind) const {
    if (kind == Kind::annotation) return "annotation";
    if (kind == Kind::event) return "event";
    return repair_ == config::SidecarRepair::delete_pod ? "deletion" : "label";
}

bool StatusWriter::may_write(const Key& key, const Memory& memory) {
    // Looked at again when that one is answered.
    if (under_way_.contains(key)) return false;
    const auto delay = memory.delays.find(key.kind);
    if (delay == memory.delays.end() || delay->second.until <= Clock::now()) return true;
    wake_at(delay->second.until, owner_of(key.ref));
    return false;
}

// The node is looked at when the first of its pods is hindered by what is the node's, and when the
// last one is no more.
void StatusWriter::note_hindered(const PodId& pod, bool by_nodes_obstacle) {
    const bool before = !hindered_.empty();
    if (by_nodes_obstacle) {
        hindered_.insert(pod);
    } else {
        hindered_.erase(pod);
    }
    if (before == hindered_.empty()) queue_.emplace(std::nullopt);
}

// As any of its pods has it now.
std::string StatusWriter::nodes_obstacle() {
    for (; !hindered_.empty(); hindered_.erase(hindered_.begin())) {
        auto why = obstacle_of(view_.pod(*hindered_.begin()), Hindered::node);
        if (!why.empty()) return why;
    }
    return {};
}

kubeapi::Request StatusWriter::request_for(const Write& write) const {
    return std::visit(
        Overloaded{[&](const AnnotationWrite& what) {
                       const auto& name = policy_.redirection_annotation;
                       return what.enabled ? set_annotation(what.pod, what.resource_version, name)
                                           : clear_annotation(what.pod, name);
                   },
                   [&](const Event& event) {
                       return not_captured_event(event.about, event.why, node_name_,
                                                 std::chrono::system_clock::now(), event.missed);
                   },
                   [&](const Repair& what) {
                       return repair_ == config::SidecarRepair::delete_pod
                                  ? delete_pod(what.pod, what.resource_version)
                                  : label_uninitialized(what.pod, what.resource_version);
                   }},
        write);
}

void StatusWriter::take_answer(const Write& write, const Result<kubeapi::Response>& answer) {
    const auto key = key_of(write);
    under_way_.erase(key);
    const auto owner = owner_of(key.ref);
    const auto uid = key.ref ? key.ref->uid : std::string();
    Memory unknown;  // of a pod that another one has followed
    auto& known = memories_.try_emplace(owner, Memory{.uid = uid}).first->second;
    auto& memory = known.uid == uid ? known : unknown;
    // An Event of this name is there already: by an agent before us.
    const bool is_there = key.kind == Kind::event && answer && answer->status == kConflict;
    const auto verdict = is_there ? Verdict::done : judge(answer);
    if (verdict == Verdict::done) {
        pause_.reset();
        last_failure_.clear();
        memory.delays.erase(key.kind);
        std::visit(
            Overloaded{[&](const AnnotationWrite& annotation) {
                           memory.written = {.enabled = annotation.enabled,
                                             .resource_version = annotation.resource_version};
                       },
                       [&](const Event& event) { memory.obstacle.told(event.why, Clock::now()); },
                       [&](const Repair& repair) {
                           memory.repaired = true;
                           log(LogLevel::warning, "pod without its sidecar's rules",
                               {{"pod", to_string(repair.pod.id)}, {"wrote", what_of(key.kind)}});
                       }},
            write);
    } else {
        take_failure(write, answer, verdict, memory);
    }
    ++counters_[{.what = what_of(key.kind),
                 .result = verdict == Verdict::done      ? "success"
                           : verdict == Verdict::refused ? "refused"
                                                         : "failure"}];
    queue_.insert(owner);
    work();
}

void StatusWriter::take_failure(const Write& write, const Result<kubeapi::Response>& answer,
                                Verdict verdict, Memory& memory) {
    const auto key = key_of(write);
    const auto text = describe(answer);
    const auto* event = std::get_if<Event>(&write);
    // Somebody changed the pod while we looked at it, as the kubelet does all the time.
    const bool is_overtaken = event == nullptr && answer && answer->status == kConflict;
    const bool is_news = !is_overtaken && std::exchange(last_failure_, text) != text;
    log(is_news ? LogLevel::warning : LogLevel::debug, "status not written",
        {key.ref ? Field("pod", to_string(key.ref->id)) : Field("node", node_name_),
         {"what", what_of(key.kind)},
         {"answer", text}});
    if (verdict == Verdict::unavailable) return pause(answer);
    // Its namespace is on its way out.
    if (verdict == Verdict::refused && event) return memory.obstacle.told(event->why, Clock::now());
    // The pod is gone, another one by now, or somebody else has written to it: what is wanted then
    // is seen when the source shows it.
    auto& delay = memory.delays.try_emplace(key.kind, Backoff(timing_.delays), Clock::time_point())
                      .first->second;
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
