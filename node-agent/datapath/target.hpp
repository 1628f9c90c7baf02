// One network namespace that the agent keeps right.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/kernel/linux_kernel.hpp"
#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"
#include "common/plan/conflict.hpp"
#include "common/plan/plan.hpp"
#include "node-agent/datapath/stats.hpp"

namespace ambient::agent {

class Target {
  public:
    // `name` is for the log and for people: "node", "ztunnel".
    Target(std::string name, LinuxKernel kernel)
        : name_(std::move(name)), kernel_(std::move(kernel)) {}

    LinuxKernel& kernel() { return kernel_; }

    // Makes the kernel equal to `wanted` around what is foreign, verified, and logs what was done.
    // Steps that were needed although nothing that we want has `changed` are drift: each is logged
    // as such and counted. Returns the conflicts that are left.
    Result<std::vector<plan::Conflict>> settle(const model::NetnsState& wanted,
                                               const model::Scope& scope, bool changed,
                                               DriftCounts& drift);

    // The steps that settle() would take and the conflicts, a line each under the target's name;
    // changes nothing.
    Result<std::string> preview(const model::NetnsState& wanted, const model::Scope& scope);

  private:
    void report(const plan::Plan& applied, bool is_drift, DriftCounts& drift) const;

    std::string name_;
    LinuxKernel kernel_;
};

}  // namespace ambient::agent
