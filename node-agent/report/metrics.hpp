// The agent's metrics: every name and its explanation (docs/metrics.md says what to do about them).
#pragma once

#include <string>

#include "node-agent/report/stats.hpp"

namespace ambient::agent {

// As Prometheus' text format.
std::string metrics_text(const Stats& stats);

}  // namespace ambient::agent
