#include "node-agent/report/reporter.hpp"

#include <utility>

#include "node-agent/loop/log.hpp"
#include "node-agent/report/health/process.hpp"
#include "node-agent/report/metrics.hpp"
#include "node-agent/report/readiness_page.hpp"

namespace ambient::agent {

Result<std::unique_ptr<Reporter>> Reporter::open(asio::io_context& io,
                                                 const config::AgentConfig& config,
                                                 const Subjects& subjects) {
    std::unique_ptr<Reporter> made(new Reporter(io, subjects));
    auto& self = *made;
    if (config.health.port != 0) self.open_port(io, config.health);
    if (subjects.api == nullptr) return made;
    const Send send = send_by(*subjects.api, io, *subjects.writes);
    const auto repair = config.sidecar.repair;
    if (config.status.annotate || config.status.events || repair == config::SidecarRepair::label ||
        repair == config::SidecarRepair::delete_pod) {
        self.status_.emplace(
            io, send, config,
            StatusWriter::View{
                .verified = [&self] { return self.of_.readiness().datapath.state == Ready::ok; },
                .all = [&self] { return self.of_.pods.shown_ids(); },
                .pod = [&self](const PodId& id) { return self.view_of(id); },
                .heals =
                    [&self] { return !self.of_.installer || self.of_.installer->installed(); }});
    }
    if (!config.taint.empty()) self.taint_.emplace(io, send, config.node_name, config.taint);
    return made;
}

PodView Reporter::view_of(const PodId& pod) const {
    auto capture = of_.sidecars.trouble_of(pod);
    return {.shown = of_.pods.find(pod),
            .capture = capture ? std::move(capture) : of_.keeper.capture_of(pod)};
}

// A port that another program has is no reason to leave the pods alone.
void Reporter::open_port(asio::io_context& io, const config::Health& at) {
    auto opened =
        HttpServer::open(io, at.address, at.port, [this](auto path) { return page(path); });
    if (opened) {
        http_ = *std::move(opened);
        if (std::exchange(http_trouble_, {})) worked();
        return;
    }
    if (http_trouble_ != opened.error())
        log(LogLevel::warning, "health port not open", opened.error());
    http_trouble_ = opened.error();
    port_again_.expires_after(port_retries_.next());
    port_again_.async_wait([this, &io, at](const asio::error_code& code) {
        if (!code) open_port(io, at);
    });
}

void Reporter::worked() {
    // Before everything is known there is nothing to say about a pod.
    if (of_.pods.is_complete()) {
        auto changed = of_.keeper.take_changed_pods();
        changed.pods.merge(of_.sidecars.take_changed_pods());
        if (status_) status_->look_soon(changed);
    }
    if (taint_) taint_->ready(of_.readiness().state() == Ready::ok);
}

void Reporter::look_again() {
    if (status_ && of_.pods.is_complete()) status_->look_again();
}

std::optional<HttpReply> Reporter::page(std::string_view path) const {
    // That it is answered says it: one loop does everything.
    if (path == "/healthz") return HttpReply{.body = "ok\n"};
    if (path == "/readyz") return readiness_page(of_.readiness());
    if (path != "/metrics") return std::nullopt;
    return HttpReply{.body = metrics_text(stats()),
                     .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

Stats Reporter::stats() const {
    Stats stats{.source_synced = of_.pods.is_complete(),
                .keeper = of_.keeper.stats(),
                .sidecars = of_.sidecars.stats(),
                .add = of_.service.add_times(),
                .ztunnel_claims_refused = of_.pods.ztunnel_claims_refused(),
                .watch_restarts = of_.source.watch_restarts(),
                .process = read_process(),
                .now = std::chrono::steady_clock::now()};
    for (const auto& pod : of_.pods.shown_ids()) {
        const auto capture = of_.keeper.capture_of(pod);
        stats.pods.wanted += capture ? 1 : 0;
        stats.pods.captured += capture && capture->captured ? 1 : 0;
    }
    if (of_.installer) {
        const auto& counters = of_.installer->counters();
        stats.installed = of_.installer->installed();
        stats.install_writes = {{"plugin", counters.plugin},
                                {"entry_added", counters.added},
                                {"entry_removed", counters.removed}};
    }
    if (of_.api) stats.api_requests = of_.api->counters();
    if (status_) stats.status_writes = status_->counters();
    return stats;
}

}  // namespace ambient::agent
