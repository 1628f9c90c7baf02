#include "node-agent/agent.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include <asio/post.hpp>

#include "node-agent/loop/log.hpp"

namespace ambient::agent {
namespace {

constexpr Backoff::Bounds kRetries = {.first = std::chrono::milliseconds(200),
                                      .most = std::chrono::milliseconds(15'000)};

bool contains(const std::vector<std::uint32_t>& numbers, std::uint32_t number) {
    return std::ranges::find(numbers, number) != numbers.end();
}

Error not_yet(std::string what) {
    return {.kind = ErrorKind::unavailable, .doing = std::move(what)};
}

Condition condition_of(const Installer& installer) {
    if (installer.installed()) return holds("installation");
    const auto* trouble = installer.trouble();
    return broken("installation", trouble ? *trouble : not_yet("not tried yet"));
}

Condition holds_unless(std::string name, const Error* trouble) {
    return trouble ? broken(std::move(name), *trouble) : holds(std::move(name));
}

}  // namespace

Agent::Watch::Watch(asio::io_context& io, netlink::Monitor of)
    : monitor(std::move(of)), readable(io, monitor.fd()) {}

// The descriptor is the monitor's to close.
Agent::Watch::~Watch() { readable.release(); }

Agent::Agent(asio::io_context& io, const config::AgentConfig& config, PodTable& pods,
             Keeper& keeper, SidecarKeeper& sidecars, Source& source, kubeapi::Client* api,
             Budget& writes)
    : config_(config),
      pods_(pods),
      keeper_(keeper),
      sidecars_(sidecars),
      source_(source),
      api_(api),
      writes_(writes),
      service_(
          pods, keeper, sidecars, source, [this] { return readiness(); },
          [this] { asio::post(io_, [this] { answer_round(); }); }),
      io_(io),
      resync_(io_),
      retry_(io_),
      signals_(io_, SIGTERM, SIGINT),
      retries_(kRetries) {
    if (config.install.enabled) installer_.emplace(config);
}

Result<Fate> Agent::run() {
    listener_ = TRY(Listener::open(io_, config_.socket));
    reporter_ = TRY(Reporter::open(io_, config_,
                                   {.pods = pods_,
                                    .keeper = keeper_,
                                    .sidecars = sidecars_,
                                    .service = service_,
                                    .source = source_,
                                    .readiness = [this] { return readiness(); },
                                    .installer = installer_ ? &*installer_ : nullptr,
                                    .api = api_,
                                    .writes = &writes_}));
    if (api_ && !config_.daemonset.empty()) {
        fate_.emplace(
            io_, send_by(*api_, io_, writes_),
            FateOfInstallation::Of{.daemonset = config_.daemonset,
                                   .node = config_.node_name,
                                   .refused_token_uninstalls = config_.refused_token_uninstalls});
        fate_->look();
    }
    node_watch_ =
        TRY(watch(keeper_.node_netns(), [this](const auto& event) { judge_node_event(event); }));
    wait_for_signal();
    source_.follow(io_, [this] { take_in_source(); });
    take_in_source();
    wait_for_resync();
    work();
    server_.emplace(
        io_,
        [this](const rpc::Request& request, Server::Respond respond) {
            service_.answer(request, std::move(respond));
        },
        [this](const rpc::Request& last) {
            for (const auto& address : service_.ended(last))
                look_at(address);
            settle_sidecars_soon();
        });
    listener_->serve([this] { return server_->has_room(); },
                     [this](UniqueFd socket) { server_->serve(std::move(socket)); },
                     [this] { reporter_->worked(); });
    log(LogLevel::info, "serving",
        {{"socket", config_.socket.string()}, {"node", config_.node_name}});
    // Last: as soon as the plugin is in the chain, it asks us.
    if (installer_) installer_->follow(io_, [this] { reporter_->worked(); });
    io_.run();
    if (installer_ && decided_ == Fate::stays) installer_->finish();
    log(LogLevel::info, "stopped",
        {{"datapath", decided_ == Fate::stays ? "left in place" : "is removed"}});
    return decided_;
}

Readiness Agent::readiness() const {
    Readiness now = {.source = holds("source"), .datapath = holds("datapath"), .node = {}};
    if (!pods_.is_complete())
        now.source = broken("source", not_yet("not all pods and namespaces are known yet"));
    if (const auto* trouble = keeper_.trouble()) {
        const bool is_waiting = !pods_.is_complete() || pods_.waits_for_ztunnel();
        now.datapath = is_waiting ? waits("datapath", *trouble) : broken("datapath", *trouble);
    }
    if (now.datapath.state == Ready::ok) now.datapath.trouble = keeper_.remark();
    now.lanes = keeper_.lanes();
    if (installer_) now.node.push_back(condition_of(*installer_));
    now.node.push_back(holds_unless("socket", listener_->trouble()));
    if (config_.health.port != 0)
        now.node.push_back(holds_unless("health", reporter_->http_trouble()));
    return now;
}

Result<std::shared_ptr<Agent::Watch>> Agent::watch(const Netns& netns, Judge judge) {
    auto made = std::make_shared<Watch>(io_, TRY(netlink::Monitor::open(netns)));
    wait_for_events(made, std::move(judge));
    return made;
}

void Agent::wait_for_events(const std::shared_ptr<Watch>& watch, Judge judge) {
    watch->readable.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this, weak = std::weak_ptr(watch),
                                judge = std::move(judge)](const asio::error_code& code) {
                                   // Closing does not take back a handler that is queued already.
                                   const auto alive = weak.lock();
                                   if (code || !alive) return;
                                   const auto events = alive->monitor.drain(keeper_.port_ids());
                                   if (!events) {
                                       log(LogLevel::warning, "notifications not read",
                                           events.error());
                                       look_at_all();
                                   } else {
                                       for (const auto& event : *events)
                                           judge(event);
                                   }
                                   wait_for_events(alive, judge);
                               });
}

void Agent::judge_node_event(const netlink::Event& event) {
    using netlink::EventKind;
    if (event.own) return;
    const auto& datapath = config_.datapath;
    switch (event.kind) {
        case EventKind::overrun:
            log(LogLevel::warning, "notifications lost", {{"then", "looking at everything"}});
            return look_at_all();
        case EventKind::rule: return look_at_all();
        case EventKind::link:
            if (event.link == datapath.inbound.node_link ||
                event.link == datapath.outbound.node_link || keeper_.is_ztunnel_link(event.link))
                look_at_all();
            return;
        case EventKind::address:
        case EventKind::rp_filter:  // Felix sets that of every pod's device, ztunnel's too
            if (keeper_.is_our_link(event.link_index)) look_at_all();
            return;
        case EventKind::route: return judge_node_route(*event.route);
        case EventKind::filter:
            if (event.filter.table != model::TableId{.name = datapath.filter.table}) return;
            if (event.filter.addresses.empty() || (event.filter.set != datapath.filter.pods4 &&
                                                   event.filter.set != datapath.filter.pods6)) {
                return look_at_all();
            }
            for (const auto& address : event.filter.addresses)
                look_at(address);
            return;
    }
}

void Agent::judge_node_route(const model::Route& route) {
    const auto& tables = config_.datapath.tables;
    const auto& address = route.destination.address();
    const bool is_pods = route.destination.is_host() && !keeper_.is_ztunnel(address);
    if (is_pods && route.table == tables.inbound) return look_at(address);
    if (contains({tables.inbound, tables.outbound}, route.table) ||
        contains(desired::lane_tables(config_.datapath), route.table) ||
        route.protocol == config_.datapath.protocol) {
        return look_at_all();
    }
    // Somebody else's: it matters when it is how we find a pod's or the ztunnel's device.
    if (!route.destination.is_host()) return;
    keeper_.forget_link(address);
    if (!is_pods) return look_at_all();
    if (pods_.captures().contains(address)) look_at(address);
}

void Agent::judge_ztunnel_event(const netlink::Event& event) {
    using netlink::EventKind;
    if (event.own) return;
    const auto& datapath = config_.datapath;
    const bool ours =
        event.kind == EventKind::overrun || event.kind == EventKind::rule ||
        event.kind == EventKind::address || event.kind == EventKind::rp_filter ||
        (event.kind == EventKind::link && (event.link == datapath.inbound.ztunnel_link ||
                                           event.link == datapath.outbound.ztunnel_link)) ||
        (event.kind == EventKind::route && (event.route->table == datapath.tables.ztunnel_local ||
                                            event.route->protocol == datapath.protocol)) ||
        (event.kind == EventKind::filter &&
         event.filter.table == model::TableId{.name = datapath.filter.table});
    if (ours) look_at_all();
}

void Agent::take_in_source() {
    for (const auto& pod : pods_.take_refused_ztunnels()) {
        log(LogLevel::warning, "ztunnel refused",
            {{"pod", to_string(pod)},
             {"reason", "it has ztunnel's label, but not its namespace or service account"}});
    }
    const bool first = !was_complete_ && pods_.is_complete();
    was_complete_ = pods_.is_complete();
    if (first || pods_.take_ztunnels_changed()) {
        retrying_ = false;  // it may be what everything waits for
        look_at_all();
    }
    work_soon();
}

void Agent::wait_for_resync() {
    resync_.expires_after(config_.resync);
    resync_.async_wait([this](const asio::error_code& code) {
        if (code) return;
        source_.refresh();
        reporter_->look_again();
        listener_->look();
        if (fate_) fate_->look();
        keeper_.forget_links();
        keeper_.count_connections();
        sidecars_.look_at_all();
        look_at_all();
        wait_for_resync();
    });
}

void Agent::wait_for_signal() {
    signals_.async_wait([this](const asio::error_code& code, int /*signal*/) {
        if (!code) stop();
    });
}

// Goes on serving until it is known what comes next; asked once more, it does not wait for that.
void Agent::stop() {
    if (!fate_ || stopping_) return io_.stop();
    stopping_ = true;
    log(LogLevel::info, "stopping", {{"asked", "whether our DaemonSet is gone"}});
    wait_for_signal();
    fate_->decide([this](Fate fate) {
        decided_ = fate;
        io_.stop();
    });
}

void Agent::look_at_all() {
    all_ = true;
    work_soon();
}

void Agent::look_at(const IpAddress& address) {
    if (service_.in_progress().contains(address)) return;
    touched_.insert(address);
    work_soon();
}

void Agent::work_soon() {
    if (std::exchange(posted_, true)) return;
    asio::post(io_, [this] {
        posted_ = false;
        work();
    });
}

void Agent::answer_round() {
    if (server_) {
        listener_->accept_waiting();
        server_->read_waiting();
    }
    if (!service_.finish_round()) return;
    settle_sidecars_soon();
    // What could not be settled for them is settled when it is due.
    if (!keeper_.ready()) look_at_all();
    reporter_->worked();
}

// One pod a turn of the loop: whoever asks meanwhile waits for one, not for all of them.
void Agent::settle_sidecars_soon() {
    if (sidecars_posted_ || !sidecars_.has_work()) return;
    sidecars_posted_ = true;
    asio::post(io_, [this] {
        sidecars_posted_ = false;
        if (!sidecars_.has_work()) return;
        sidecars_.settle_next();
        reporter_->worked();
        settle_sidecars_soon();
    });
}

void Agent::work() {
    settle_sidecars_soon();
    const bool was_ready = keeper_.ready();
    // While a failure stands all is to be looked at, and when is for the backoff to say: whatever
    // happens meanwhile is marked.
    if (retrying_ && !was_ready) return reporter_->worked();
    // What plugins have said comes before what is seen of what they have done.
    answer_round();
    const auto settled = settle();
    follow_ztunnel();
    reporter_->worked();
    if (!settled) return retry_later(settled.error());
    retries_.reset();
    last_trouble_.clear();
    if (!was_ready && keeper_.ready())
        log(LogLevel::info, "datapath ready", {{"captured", pods_.captures().size()}});
}

Result<void> Agent::settle() {
    // Nobody may be taken out because of what was not told yet.
    if (!pods_.is_complete()) return {};
    const auto touched = std::exchange(touched_, {});
    if (std::exchange(all_, false)) {
        pods_.take_changed();
        return keeper_.settle();
    }
    if (const auto changed = pods_.take_changed(); !changed.empty())
        TRY(keeper_.settle(changed, true));
    return touched.empty() ? Result<void>{} : keeper_.settle(touched, false);
}

// The ztunnel's namespace may be another one now.
void Agent::follow_ztunnel() {
    const auto* netns = keeper_.ztunnel_netns();
    if (netns == nullptr) {
        ztunnel_watch_.reset();
        ztunnel_id_.reset();
        return;
    }
    if (netns->id() == ztunnel_id_) return;
    auto made = watch(*netns, [this](const auto& event) { judge_ztunnel_event(event); });
    if (!made) {
        log(LogLevel::warning, "ztunnel namespace not watched", made.error());
        return;
    }
    ztunnel_watch_ = *std::move(made);
    ztunnel_id_ = netns->id();
    // What happened before the watch began was not told.
    look_at_all();
}

void Agent::retry_later(const Error& error) {
    const auto text = describe(error);
    const auto wait = retries_.next();
    const bool is_new = std::exchange(last_trouble_, text) != text;
    log(is_new ? LogLevel::warning : LogLevel::debug, "not settled",
        {{"error", text}, {"retry_ms", wait.count()}});
    // A device that is gone fails what is asked of it: where pods are is found anew.
    keeper_.forget_links();
    all_ = true;
    retrying_ = true;
    retry_.expires_after(wait);
    retry_.async_wait([this](const asio::error_code& code) {
        if (code) return;
        retrying_ = false;
        work_soon();
    });
}

}  // namespace ambient::agent
