// Any kernel, made to fail once: at the n-th step that it is asked to apply, or at the n-th
// observation.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "common/kernel/kernel.hpp"

namespace ambient::fake {

class FaultyKernel final : public Kernel {
  public:
    explicit FaultyKernel(Kernel& kernel) : kernel_(kernel) {}

    // Counted from 0, over all calls from now on. A step inside a packet-filter transaction fails
    // all of it.
    void fail_step(std::size_t n, Error error) {
        step_ = n;
        step_error_ = std::move(error);
    }
    void fail_observation(std::size_t n) { observation_ = n; }
    // Whether a fault was met.
    [[nodiscard]] bool failed() const { return failed_; }

    Result<model::NetnsState> observe(const model::Scope& scope) override;
    std::expected<void, ApplyError> apply(const plan::Plan& plan) override;

    // Out of memory: no race, so it is not tried again.
    static Error fault();

  private:
    Kernel& kernel_;
    std::optional<std::size_t> step_;
    Error step_error_;
    std::optional<std::size_t> observation_;
    bool failed_ = false;
};

}  // namespace ambient::fake
