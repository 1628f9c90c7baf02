// A plan as the `ip`, `sysctl` and `nft` lines that it equals, for people and for tests.
#pragma once

#include <string>

#include "common/plan/plan.hpp"

namespace ambient::plan {

// One line, no newline at its end; ReplaceRules is several lines.
std::string to_string(const Step& step);
// Every step on lines of its own.
std::string to_string(const Plan& plan);

}  // namespace ambient::plan
