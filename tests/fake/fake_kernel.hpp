// A network namespace in memory: applies plans with the kernel's own refusals and side effects,
// each named in fake_kernel.cpp and fake_filter.cpp. Same contract as LinuxKernel.
#pragma once

#include <vector>

#include "common/kernel/kernel.hpp"
#include "tests/fake/surroundings.hpp"

namespace ambient::fake {

class FakeKernel final : public Kernel {
  public:
    explicit FakeKernel(model::NetnsState state = {}, Surroundings surroundings = {});

    Result<model::NetnsState> observe(const model::Scope& scope) override;
    std::expected<void, ApplyError> apply(const plan::Plan& plan) override;

    // Everything, in any scope.
    [[nodiscard]] const model::NetnsState& state() const { return state_; }

  private:
    model::NetnsState state_;
    Surroundings surroundings_;
};

}  // namespace ambient::fake
