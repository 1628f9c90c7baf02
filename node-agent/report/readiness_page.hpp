// /readyz: one line a condition, so that whoever asks sees which one fails. Pure.
#pragma once

#include "node-agent/datapath/readiness.hpp"
#include "node-agent/report/health/http_message.hpp"

namespace ambient::agent {

// Status 503 when something is broken. Who only waits answers 200: a rollout that waited for the
// ztunnel, which may come after us, would never end.
HttpReply readiness_page(const Readiness& readiness);

}  // namespace ambient::agent
