// What becomes of the installation when the agent is stopped: it stays, for the next agent, unless
// it is proven that there will be none: the DaemonSet that the agent belongs to is gone, or wants
// no pod on this node any more. On the loop.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "node-agent/leave/daemonset.hpp"
#include "node-agent/loop/backoff.hpp"
#include "node-agent/report/status/api.hpp"

namespace ambient::agent {

enum class Fate : std::uint8_t { stays, goes };

struct FateLimits {
    // Longer than the API server goes on accepting the token of an account that is gone (10 s:
    // tokenSuccessCacheTTL in kube-apiserver), shorter than a pod's usual grace period (30 s).
    std::chrono::milliseconds total{20'000};
    Backoff::Bounds retries = {.first = std::chrono::milliseconds(500),
                               .most = std::chrono::milliseconds(2'000)};
};

class FateOfInstallation {
  public:
    using Then = std::function<void(Fate)>;
    struct Of {
        std::string daemonset;  // "namespace/name"
        std::string node;
        bool refused_token_uninstalls = false;
    };

    FateOfInstallation(asio::io_context& io, Send send, Of of, FateLimits limits = {});

    // From the start on, now and then until it worked: whether there is such a DaemonSet, and we
    // may read it. That it is gone, or that our token is refused, tells something only after that.
    void look();
    // At the end, once: calls `then` within FateLimits::total.
    void decide(Then then);

  private:
    void ask();
    void take(const Result<kubeapi::Response>& answer);
    void ask_node(std::string daemonset_json);
    void take_node(const std::string& daemonset_json, const Result<kubeapi::Response>& answer);
    void try_again();
    void give_up();
    void settle(Fate fate, const std::string& why);

    Send send_;
    Of of_;
    FateLimits limits_;
    asio::steady_timer retry_;
    asio::steady_timer deadline_;
    Backoff backoff_;
    kubeapi::Call call_;
    Then then_;
    bool is_looking_ = false;
    std::string seen_;  // the DaemonSet's uid; empty: never
    std::string last_refusal_;
    Result<kubeapi::Response> last_;
    int unauthorized_ = 0;
};

}  // namespace ambient::agent
