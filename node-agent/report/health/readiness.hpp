// /readyz: one line a condition, so that whoever asks sees which one fails. Pure.
#pragma once

#include <string>
#include <vector>

#include "node-agent/report/health/http_message.hpp"

namespace ambient::agent {

struct Condition {
    std::string name;
    std::string trouble = {};  // empty: it holds

    bool operator==(const Condition&) const = default;
};

bool all_hold(const std::vector<Condition>& conditions);

// Status 200 when all hold, else 503.
HttpReply readiness_page(const std::vector<Condition>& conditions);

}  // namespace ambient::agent
