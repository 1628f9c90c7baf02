// What the agent shows of itself and of this node's pods: /healthz, /readyz and /metrics over HTTP,
// and, where the API server is the source, annotations, Events and the node's taint. On the loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "common/config/agent_config.hpp"
#include "common/kubeapi/client.hpp"
#include "node-agent/datapath/keeper.hpp"
#include "node-agent/datapath/readiness.hpp"
#include "node-agent/datapath/sidecar_keeper.hpp"
#include "node-agent/install/installer.hpp"
#include "node-agent/loop/backoff.hpp"
#include "node-agent/pods/pod_table.hpp"
#include "node-agent/report/health/http_server.hpp"
#include "node-agent/report/stats.hpp"
#include "node-agent/report/status/taint.hpp"
#include "node-agent/report/status/writer.hpp"
#include "node-agent/serve/service.hpp"
#include "node-agent/source/source.hpp"

namespace ambient::agent {

class Reporter {
  public:
    // Of whom it reports; all outlive it.
    struct Subjects {
        const PodTable& pods;
        Keeper& keeper;
        SidecarKeeper& sidecars;
        const Service& service;
        const Source& source;
        std::function<Readiness()> readiness;
        const Installer* installer = nullptr;  // null: the agent does not install
        kubeapi::Client* api = nullptr;        // null: the source is not the API server
        Budget* writes = nullptr;              // of `api`
    };

    static Result<std::unique_ptr<Reporter>> open(asio::io_context& io,
                                                  const config::AgentConfig& config,
                                                  const Subjects& subjects);

    // Something was done, or tried.
    void worked();
    // Also look at what was reported before: others may have changed it.
    void look_again();

    // Why /healthz, /readyz and /metrics cannot be reached; null when they can.
    [[nodiscard]] const Error* http_trouble() const {
        return http_trouble_ ? &*http_trouble_ : nullptr;
    }

  private:
    Reporter(asio::io_context& io, const Subjects& subjects) : of_(subjects), port_again_(io) {}

    void open_port(asio::io_context& io, const config::Health& at);

    [[nodiscard]] PodView view_of(const PodId& pod) const;
    [[nodiscard]] std::optional<HttpReply> page(std::string_view path) const;
    [[nodiscard]] Stats stats() const;

    Subjects of_;
    std::unique_ptr<HttpServer> http_;
    asio::steady_timer port_again_;
    Backoff port_retries_;
    std::optional<Error> http_trouble_;
    std::optional<StatusWriter> status_;
    std::optional<TaintRemover> taint_;
};

}  // namespace ambient::agent
