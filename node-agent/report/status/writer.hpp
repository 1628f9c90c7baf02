// Keeps what the API server shows of this node's pods equal to what the kernel does: an annotation
// on every pod that is captured, and an Event that says why one is not. It only follows: nothing
// that fails here touches the datapath, and nothing that it reads decides about a capture.
//
// On the loop. A few requests at a time. What fails for one pod is tried again for that pod, later
// each time; a server that cannot be reached pauses everything.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "common/config/agent_config.hpp"
#include "node-agent/loop/backoff.hpp"
#include "node-agent/report/stats.hpp"
#include "node-agent/report/status/annotations.hpp"
#include "node-agent/report/status/api.hpp"
#include "node-agent/report/status/obstacles.hpp"

namespace ambient::agent {

inline constexpr std::size_t kMaxStatusRequests = 4;

class StatusWriter {
  public:
    // How things are.
    struct View {
        bool verified = false;  // `captures` is what the kernel was seen to do
        std::vector<const kube::Pod*> shown;
        PodCaptures captures;
    };
    StatusWriter(asio::io_context& io, Send send, const config::AgentConfig& config,
                 std::function<View()> view);

    // Something may have changed.
    void look_soon();
    // The same, and what was written is no longer trusted to be still there.
    void look_again();

    [[nodiscard]] const StatusWrites& counters() const { return counters_; }

  private:
    using Clock = std::chrono::steady_clock;
    using Write = std::variant<AnnotationWrite, Obstacles::Due>;
    // A pod is written to by one request of a kind at a time, and so is the node.
    struct Key {
        bool is_event = false;
        Obstacles::Owner pod;
        auto operator<=>(const Key&) const = default;
    };
    struct Delay {
        Backoff backoff;
        Clock::time_point until;
    };

    static Key key_of(const Write& write);
    void look();
    void look_at(Clock::time_point when);
    void forget_delays(const std::vector<const kube::Pod*>& shown);
    void send_next();
    [[nodiscard]] kubeapi::Request request_for(const Write& write) const;
    void take_answer(const Write& write, const Result<kubeapi::Response>& answer);
    void retry_later(const Write& write, const Result<kubeapi::Response>& answer);
    void pause(const Result<kubeapi::Response>& answer);

    Send send_;
    desired::Policy policy_;
    config::Status wanted_;
    std::string node_name_;
    std::function<View()> view_;
    asio::steady_timer timer_;
    Clock::time_point timer_at_ = Clock::time_point::max();

    std::vector<Write> queue_;  // the next one last
    std::map<Key, kubeapi::Call> under_way_;
    std::map<Key, Delay> delays_;
    Backoff pause_;
    Clock::time_point paused_until_;
    Written written_;
    Obstacles obstacles_;
    StatusWrites counters_;
    std::string last_failure_;
};

}  // namespace ambient::agent
