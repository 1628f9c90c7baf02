#include "node-agent/leave/withdraw.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "node-agent/loop/log.hpp"
#include "node-agent/report/status/annotations.hpp"
#include "node-agent/report/status/writer.hpp"

namespace ambient::agent {

void withdraw_status(asio::io_context& io, Send send, const config::AgentConfig& config,
                     const PodTable& pods, std::chrono::milliseconds patience) {
    if (!config.status.annotate) return;
    auto only_annotations = config;
    only_annotations.status.events = false;
    StatusWriter writer(io, std::move(send), only_annotations,
                        {.verified = [] { return true; },
                         .all = [&] { return pods.shown_ids(); },
                         .pod = [&](const PodId& id) { return PodView{.shown = pods.find(id)}; }});
    writer.look_soon({.all = true});
    const auto left = [&] {
        return std::ranges::count_if(pods.shown(), [&](const kube::Pod* pod) {
            return annotation_write(config.policy, *pod, false, std::nullopt).has_value();
        });
    };
    const auto deadline = std::chrono::steady_clock::now() + patience;
    io.restart();
    while (left() > 0 && io.run_one_until(deadline) > 0) {
    }
    if (const auto pods_left = left(); pods_left > 0)
        log(LogLevel::warning, "annotations left", {{"pods", pods_left}});
}

}  // namespace ambient::agent
