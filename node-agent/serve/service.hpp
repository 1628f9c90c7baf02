// Answers the plugin. One thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "common/rpc/messages.hpp"
#include "node-agent/datapath/keeper.hpp"
#include "node-agent/datapath/readiness.hpp"
#include "node-agent/datapath/sidecar_keeper.hpp"
#include "node-agent/pods/pod_table.hpp"
#include "node-agent/serve/add_clock.hpp"
#include "node-agent/source/source.hpp"

namespace ambient::agent {

class Service {
  public:
    using Respond = std::function<void(const rpc::Reply&)>;

    // `round_begun` is called when a request waits for finish_round().
    Service(PodTable& pods, Keeper& keeper, SidecarKeeper& sidecars, Source& source,
            std::function<Readiness()> readiness, std::function<void()> round_begun)
        : pods_(pods),
          keeper_(keeper),
          sidecars_(sidecars),
          source_(source),
          readiness_(std::move(readiness)),
          round_begun_(std::move(round_begun)) {}

    // Takes a request in: what it says counts from now on. It is answered by finish_round(), or at
    // once when it is refused; an ADD of a pod that the source has not shown yet is taken in when
    // the source was asked for it.
    void answer(const rpc::Request& request, Respond respond);

    // Settles what the requests taken in have changed, all of it at once, and answers them: in a
    // burst the kernel is read once a round and not once a request. False when there were none.
    bool finish_round();

    // The plugin that last asked this has gone. Returns the addresses that it leaves half
    // programmed: nobody has looked at them since.
    std::vector<IpAddress> ended(const rpc::Request& last);

    // Addresses that a plugin is programming now, between add and added: a change seen there is its
    // work, not drift.
    [[nodiscard]] const std::set<IpAddress>& in_progress() const { return in_progress_; }

    [[nodiscard]] const AddTimes& add_times() const { return clock_.times(); }

  private:
    // What captures a pod: the node's tunnels, or rules in its own namespace for its sidecar.
    enum class Way : std::uint8_t { none, node, sidecar };
    struct Verdict {
        Way way = Way::none;
        rpc::Reply reply = {};  // as far as it is known before the kernel was looked at
    };
    struct Turn {
        rpc::Request request;
        Respond respond;
        Verdict verdict;
    };

    void add_when_shown(const rpc::Request& request, Respond respond);
    void take_turn(const rpc::Request& request, Respond respond);
    Result<Verdict> begin(const rpc::Request& request);
    Result<Verdict> begin_add(const rpc::Request& request);
    Result<Verdict> begin_added(const rpc::Request& request);
    Verdict begin_del(const rpc::Request& request);
    Result<Verdict> decide(const rpc::Request& request) const;
    Result<Verdict> status() const;
    Result<void> settle(const std::vector<Turn>& round);
    static void note(const Turn& turn);
    Result<rpc::Reply> finish(const Turn& turn, const Result<void>& settled);
    Result<rpc::Reply> finish_add(const Turn& turn, const Result<void>& settled);
    Result<void> verify(const Turn& turn, const Result<void>& settled);
    Result<rpc::Reply> with_parts(const Turn& turn);

    PodTable& pods_;
    Keeper& keeper_;
    SidecarKeeper& sidecars_;
    Source& source_;
    std::function<Readiness()> readiness_;
    std::function<void()> round_begun_;
    std::vector<Turn> round_;
    std::set<IpAddress> in_progress_;
    std::set<cni::Attachment> waiting_;  // ADDs whose pod the source is asked for
    AddClock clock_;
};

}  // namespace ambient::agent
