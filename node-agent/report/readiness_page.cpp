#include "node-agent/report/readiness_page.hpp"

#include <string_view>

#include <fmt/format.h>

namespace ambient::agent {
namespace {

std::string_view word_for(Ready state) {
    switch (state) {
        case Ready::ok: return "ok";
        case Ready::waiting: return "waiting";
        case Ready::broken: return "not ok";
    }
    return "not ok";
}

}  // namespace

HttpReply readiness_page(const Readiness& readiness) {
    HttpReply page{.status = readiness.state() == Ready::broken ? 503 : 200};
    for (const auto& condition : readiness.conditions()) {
        page.body += fmt::format("{} {}", word_for(condition.state), condition.name);
        if (condition.trouble) page.body += ": " + describe(*condition.trouble);
        page.body += '\n';
    }
    for (const auto& lane : readiness.lanes)
        page.body += lane + '\n';
    return page;
}

}  // namespace ambient::agent
