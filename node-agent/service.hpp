// Answers the plugin. One thread: the loop's.
#pragma once

#include <set>

#include "common/rpc/messages.hpp"
#include "node-agent/keeper.hpp"
#include "node-agent/pod_table.hpp"

namespace ambient::agent {

class Service {
  public:
    Service(PodTable& pods, Keeper& keeper) : pods_(pods), keeper_(keeper) {}

    rpc::Reply answer(const rpc::Request& request);

    // Addresses that a plugin is programming now, between add and added: a change seen there is its
    // work, not drift.
    [[nodiscard]] const std::set<IpAddress>& in_progress() const { return in_progress_; }

  private:
    Result<rpc::Reply> add(const rpc::Request& request);
    Result<rpc::Reply> added(const rpc::Request& request);
    Result<rpc::Reply> del(const rpc::Request& request);
    Result<rpc::Reply> check(const rpc::Request& request);
    Result<rpc::Reply> status() const;
    // Settles what changed in the table, `except` left aside.
    Result<void> settle_changes(const std::vector<IpAddress>& except = {});

    PodTable& pods_;
    Keeper& keeper_;
    std::set<IpAddress> in_progress_;
};

}  // namespace ambient::agent
