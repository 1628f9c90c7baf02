// The kernel of one network namespace: observe its state, apply a plan to it. Everything that this
// software does to a kernel goes through here.
#pragma once

#include <cstddef>

#include "common/base/error.hpp"
#include "common/model/netns_state.hpp"
#include "common/model/scope.hpp"
#include "common/plan/plan.hpp"

namespace ambient {

// How far an apply came: `done` steps took effect before the error. A packet-filter transaction is
// all or nothing.
struct ApplyError {
    std::size_t done = 0;
    Error error;
};

class Kernel {
  public:
    virtual ~Kernel() = default;
    // The state in `scope`, sorted. An interrupted dump is retried, then an error.
    virtual Result<model::NetnsState> observe(const model::Scope& scope) = 0;
    // Applies the steps in order and stops at the first error.
    virtual std::expected<void, ApplyError> apply(const plan::Plan& plan) = 0;
};

}  // namespace ambient
