// Keeps what the API server shows of this node's pods equal to what the kernel does: an annotation
// on every pod that is captured, and an Event that says why one is not. It only follows: nothing
// that fails here touches the datapath, and nothing that it reads decides about a capture.
//
// On the loop, as a work queue: who has changed is looked at, and only who has. A few requests at a
// time. What fails for one pod is tried again for that pod, later each time; a server that cannot
// be reached pauses everything.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "common/config/agent_config.hpp"
#include "node-agent/loop/backoff.hpp"
#include "node-agent/pods/pod_captures.hpp"
#include "node-agent/report/stats.hpp"
#include "node-agent/report/status/annotations.hpp"
#include "node-agent/report/status/api.hpp"
#include "node-agent/report/status/obstacle.hpp"

namespace ambient::agent {

inline constexpr std::size_t kMaxStatusRequests = 4;

class StatusWriter {
  public:
    // How things are now.
    struct View {
        std::function<bool()> verified;  // captures are what the kernel was seen to do
        std::function<std::vector<PodId>()> all;
        std::function<PodView(const PodId&)> pod;
        // Whether a pod that is made anew would start as it must: the plugin is there.
        std::function<bool()> heals = [] { return true; };
    };
    struct Timing {
        // Many changes come together: a pod that starts changes several times within this.
        std::chrono::milliseconds soon{100};
        std::chrono::milliseconds obstacle_lasts = kObstacleLasts;
        Backoff::Bounds delays = {.first = std::chrono::milliseconds(500),
                                  .most = std::chrono::seconds(60)};
        // Between two pods of this node that are deleted: those made in their place may be no
        // better.
        Backoff::Bounds deletions = {.first = std::chrono::seconds(2),
                                     .most = std::chrono::seconds(60)};
    };
    StatusWriter(asio::io_context& io, Send send, const config::AgentConfig& config, View view,
                 const Timing& timing);
    StatusWriter(asio::io_context& io, Send send, const config::AgentConfig& config, View view)
        : StatusWriter(io, std::move(send), config, std::move(view), Timing()) {}

    // These may have changed.
    void look_soon(const ChangedPods& changed);
    // At all of them, and what was written is no longer trusted to be still there.
    void look_again();

    [[nodiscard]] const StatusWrites& counters() const { return counters_; }

  private:
    using Clock = std::chrono::steady_clock;
    using Owner = std::optional<PodId>;  // none: the node
    using Ref = std::optional<PodRef>;
    struct Event {
        Ref about;
        std::string why;
        Missed missed = Missed::capture;
    };
    // A pod that started without its sidecar's rules is labelled, or deleted.
    struct Repair {
        PodRef pod;
        std::string resource_version;
    };
    using Write = std::variant<AnnotationWrite, Event, Repair>;
    enum class Kind : std::uint8_t { annotation, event, repair };
    // A pod is written to by one request of a kind at a time, and so is the node.
    struct Key {
        Kind kind;
        Ref ref;
        auto operator<=>(const Key&) const = default;
    };
    struct Delay {
        Backoff backoff;
        Clock::time_point until;
    };
    // Of a pod, or the node, for as long as there is something to remember.
    struct Memory {
        std::string uid;  // another pod of the name is nobody that we know
        std::optional<WrittenAnnotation> written = std::nullopt;
        Obstacle obstacle = {};
        bool repaired = false;  // it was written, and the source has not shown it yet
        std::map<Kind, Delay> delays = {};

        [[nodiscard]] bool is_empty() const {
            return !written && obstacle.is_forgotten() && !repaired && delays.empty();
        }
    };

    static Key key_of(const Write& write);
    static Owner owner_of(const Ref& ref);
    void work();
    void work_at(Clock::time_point when);
    void wake_at(Clock::time_point when, const Owner& owner);
    [[nodiscard]] std::optional<Write> next_write(const Owner& owner);
    [[nodiscard]] std::optional<Write> annotation_to_write(const kube::Pod& pod, bool captured,
                                                           Memory& memory);
    [[nodiscard]] std::optional<Write> event_to_write(Event event, Memory& memory);
    [[nodiscard]] std::optional<Write> repair_to_write(const PodView& pod, Memory& memory);
    [[nodiscard]] std::string_view what_of(Kind kind) const;
    [[nodiscard]] bool may_write(const Key& key, const Memory& memory);
    void note_hindered(const PodId& pod, bool by_nodes_obstacle);
    [[nodiscard]] std::string nodes_obstacle();
    [[nodiscard]] kubeapi::Request request_for(const Write& write) const;
    void take_answer(const Write& write, const Result<kubeapi::Response>& answer);
    void take_failure(const Write& write, const Result<kubeapi::Response>& answer, Verdict verdict,
                      Memory& memory);
    void pause(const Result<kubeapi::Response>& answer);

    Send send_;
    desired::Policy policy_;
    config::Status wanted_;
    config::SidecarRepair repair_;
    std::string node_name_;
    View view_;
    Timing timing_;
    asio::steady_timer timer_;
    Clock::time_point timer_at_ = Clock::time_point::max();

    std::set<Owner> queue_;  // to be looked at
    std::set<std::pair<Clock::time_point, Owner>> wakes_;
    std::map<Key, kubeapi::Call> under_way_;
    std::map<Owner, Memory> memories_;
    std::set<PodId> hindered_;  // by what is the node's
    Backoff deletions_;
    Clock::time_point next_deletion_;
    Backoff pause_;
    Clock::time_point paused_until_;
    StatusWrites counters_;
    std::string last_failure_;
};

}  // namespace ambient::agent
