// The loop: waits for the source, the kernel's notifications, the plugin and the clock, and settles
// what they mark as changed. One thread owns everything. Notifications only say where to look; the
// kernel is read again (ARCHITECTURE).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include "common/config/agent_config.hpp"
#include "common/netlink/monitor.hpp"
#include "node-agent/datapath/keeper.hpp"
#include "node-agent/datapath/readiness.hpp"
#include "node-agent/datapath/sidecar_keeper.hpp"
#include "node-agent/install/installer.hpp"
#include "node-agent/leave/fate.hpp"
#include "node-agent/loop/backoff.hpp"
#include "node-agent/pods/pod_table.hpp"
#include "node-agent/report/reporter.hpp"
#include "node-agent/serve/listener.hpp"
#include "node-agent/serve/server.hpp"
#include "node-agent/serve/service.hpp"
#include "node-agent/source/source.hpp"

namespace ambient::agent {

class Agent {
  public:
    // All of these outlive it; `io` was not run yet. `api` may be null: the source is another.
    // `writes` is what may be written to it.
    Agent(asio::io_context& io, const config::AgentConfig& config, PodTable& pods, Keeper& keeper,
          SidecarKeeper& sidecars, Source& source, kubeapi::Client* api, Budget& writes);

    // Serves until SIGTERM or SIGINT, and says what is to become of what is installed on the node;
    // nothing of that is touched here. Errors: the socket or the notifications cannot be had.
    Result<Fate> run();

  private:
    // The one place where it is made.
    [[nodiscard]] Readiness readiness() const;

    // A notification socket on the loop.
    struct Watch {
        Watch(asio::io_context& io, netlink::Monitor of);
        ~Watch();
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

        netlink::Monitor monitor;
        asio::posix::stream_descriptor readable;
    };
    // What a notification means for us.
    using Judge = std::function<void(const netlink::Event&)>;

    Result<std::shared_ptr<Watch>> watch(const Netns& netns, Judge judge);
    void wait_for_events(const std::shared_ptr<Watch>& watch, Judge judge);
    void judge_node_event(const netlink::Event& event);
    void judge_node_route(const model::Route& route);
    void judge_ztunnel_event(const netlink::Event& event);
    void take_in_source();
    void wait_for_resync();
    void wait_for_signal();
    void stop();

    // Marks everything, or one address, as to be looked at soon.
    void look_at_all();
    void look_at(const IpAddress& address);
    void work_soon();
    // Reads in what plugins ask, and answers it.
    void answer_round();
    void work();
    Result<void> settle();
    void settle_sidecars_soon();
    void follow_ztunnel();
    void retry_later(const Error& error);

    const config::AgentConfig& config_;
    PodTable& pods_;
    Keeper& keeper_;
    SidecarKeeper& sidecars_;
    Source& source_;
    kubeapi::Client* api_;
    Budget& writes_;
    Service service_;

    asio::io_context& io_;
    asio::steady_timer resync_;
    asio::steady_timer retry_;
    asio::signal_set signals_;
    std::unique_ptr<Listener> listener_;
    std::optional<Server> server_;
    std::unique_ptr<Reporter> reporter_;
    std::optional<FateOfInstallation> fate_;  // none: it stays
    Fate decided_ = Fate::stays;
    bool stopping_ = false;
    std::optional<Installer> installer_;  // none: not enabled
    std::shared_ptr<Watch> node_watch_;
    std::shared_ptr<Watch> ztunnel_watch_;
    std::optional<NetnsId> ztunnel_id_;

    bool all_ = true;              // look at everything
    bool was_complete_ = false;    // the pod table, the last time that we looked
    std::set<IpAddress> touched_;  // look at these, wanted as before
    bool posted_ = false;          // work() is on its way
    bool sidecars_posted_ = false;
    bool retrying_ = false;  // the last look failed, and the next one is due by retry_
    Backoff retries_;
    std::string last_trouble_;
};

}  // namespace ambient::agent
