// Answers the plugin. One thread: the loop's.
#pragma once

#include <functional>
#include <set>
#include <utility>

#include "common/rpc/messages.hpp"
#include "node-agent/datapath/keeper.hpp"
#include "node-agent/datapath/readiness.hpp"
#include "node-agent/pods/pod_table.hpp"
#include "node-agent/serve/add_clock.hpp"
#include "node-agent/source/source.hpp"

namespace ambient::agent {

class Service {
  public:
    using Respond = std::function<void(const rpc::Reply&)>;

    Service(PodTable& pods, Keeper& keeper, Source& source, std::function<Readiness()> readiness)
        : pods_(pods), keeper_(keeper), source_(source), readiness_(std::move(readiness)) {}

    // Answers at once, but for a pod that the source has not shown yet: then when the source was
    // asked for it.
    void answer(const rpc::Request& request, Respond respond);

    // The plugin that last asked this has gone. Returns the addresses that it leaves half
    // programmed: nobody has looked at them since.
    std::vector<IpAddress> ended(const rpc::Request& last);

    // Addresses that a plugin is programming now, between add and added: a change seen there is its
    // work, not drift.
    [[nodiscard]] const std::set<IpAddress>& in_progress() const { return in_progress_; }

    [[nodiscard]] const AddTimes& add_times() const { return clock_.times(); }

  private:
    rpc::Reply answer_now(const rpc::Request& request);
    void add_when_shown(const rpc::Request& request, Respond respond);
    Result<rpc::Reply> add(const rpc::Request& request);
    Result<rpc::Reply> added(const rpc::Request& request);
    Result<rpc::Reply> del(const rpc::Request& request);
    Result<rpc::Reply> check(const rpc::Request& request);
    Result<rpc::Reply> status() const;
    // Settles what changed in the table, `except` left aside.
    Result<void> settle_changes(const std::vector<IpAddress>& except = {});

    PodTable& pods_;
    Keeper& keeper_;
    Source& source_;
    std::function<Readiness()> readiness_;
    std::set<IpAddress> in_progress_;
    std::set<cni::Attachment> waiting_;  // ADDs whose pod the source is asked for
    AddClock clock_;
};

}  // namespace ambient::agent
