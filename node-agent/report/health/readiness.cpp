#include "node-agent/report/health/readiness.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ambient::agent {

bool all_hold(const std::vector<Condition>& conditions) {
    return std::ranges::all_of(conditions, &std::string::empty, &Condition::trouble);
}

HttpReply readiness_page(const std::vector<Condition>& conditions) {
    HttpReply page{.status = all_hold(conditions) ? 200 : 503};
    for (const auto& condition : conditions) {
        page.body += condition.trouble.empty()
                         ? fmt::format("ok {}\n", condition.name)
                         : fmt::format("not ok {}: {}\n", condition.name, condition.trouble);
    }
    return page;
}

}  // namespace ambient::agent
