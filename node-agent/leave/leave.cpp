#include "node-agent/leave/leave.hpp"

#include <chrono>
#include <memory>
#include <vector>

#include <asio/io_context.hpp>

#include "node-agent/leave/uninstall.hpp"
#include "node-agent/leave/withdraw.hpp"
#include "node-agent/loop/log.hpp"
#include "node-agent/source/open_source.hpp"

namespace ambient::agent {
namespace {

// Leaving must not depend on an API server that is gone, or takes nothing from us any more.
constexpr std::chrono::seconds kRead{5};
constexpr std::chrono::seconds kWithdraw{5};

std::vector<kube::Pod> ztunnels_in(const PodTable& pods) {
    std::vector<kube::Pod> ztunnels;
    for (const auto* pod : pods.ztunnels())
        ztunnels.push_back(*pod);
    return ztunnels;
}

// The pods, as far as the source can be reached, on a loop of their own.
struct LastLook {
    explicit LastLook(const config::AgentConfig& config) : pods(config.policy, config.node_name) {
        const auto read = [&]() -> Result<void> {
            client = TRY(open_client(config, io));
            source = TRY(open_source(config, pods, client.get()));
            return read_once(io, *source, pods, client ? kRead : kNoWait);
        }();
        if (!read) log(LogLevel::warning, "pods not known", read.error());
    }

    void withdraw(const config::AgentConfig& config, Budget& writes) {
        if (client) withdraw_status(io, send_by(*client, io, writes), config, pods, kWithdraw);
    }

    asio::io_context io;
    PodTable pods;
    std::unique_ptr<kubeapi::Client> client;
    std::unique_ptr<Source> source;
};

}  // namespace

// Where the tunnels lead is known from the kernel, too.
Result<void> leave(const config::AgentConfig& config) {
    LastLook look(config);
    TRY(uninstall(config, ztunnels_in(look.pods)));
    Budget writes(kWrites);
    look.withdraw(config, writes);
    return {};
}

// The API server comes last: it may refuse us by now.
Result<void> leave(const config::AgentConfig& config, const PodTable& known, Budget& writes) {
    TRY(uninstall(config, ztunnels_in(known)));
    if (config.source.kind == config::SourceKind::kubernetes && config.status.annotate)
        LastLook(config).withdraw(config, writes);
    return {};
}

}  // namespace ambient::agent
