#include "tests/fake/faulty_kernel.hpp"

#include <cerrno>

namespace ambient::fake {
namespace {

// Counts down; true when it is the one.
bool is_reached(std::optional<std::size_t>& left) {
    if (!left) return false;
    if (*left != 0) {
        --*left;
        return false;
    }
    left.reset();
    return true;
}

// How many steps take effect when the one at `at` fails.
std::size_t effective(const plan::Plan& plan, std::size_t at) {
    if (!plan::is_filter_step(plan[at])) return at;
    while (at > 0 && plan::is_filter_step(plan[at - 1]))
        --at;
    return at;
}

}  // namespace

Error FaultyKernel::fault() { return errno_error(ENOMEM, "apply", "an injected fault"); }

Result<model::NetnsState> FaultyKernel::observe(const model::Scope& scope) {
    if (is_reached(observation_)) {
        failed_ = true;
        return std::unexpected(fault());
    }
    return kernel_.observe(scope);
}

std::expected<void, ApplyError> FaultyKernel::apply(const plan::Plan& plan) {
    for (std::size_t i = 0; i < plan.size(); ++i) {
        if (!is_reached(step_)) continue;
        failed_ = true;
        const auto done = effective(plan, i);
        if (auto part =
                kernel_.apply({plan.begin(), plan.begin() + static_cast<std::ptrdiff_t>(done)});
            !part) {
            return part;
        }
        return std::unexpected(ApplyError{done, step_error_});
    }
    return kernel_.apply(plan);
}

}  // namespace ambient::fake
