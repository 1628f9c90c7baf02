// The Kubernetes API as the source: pods of this node, and all namespaces.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/kubeapi/client.hpp"
#include "node-agent/source/list_watch.hpp"
#include "node-agent/source/source.hpp"
#include "node-agent/source/version.hpp"

namespace ambient::agent {

// As long as the API server is away the table stays as it is.
class KubeSource : public Source {
  public:
    struct Timing {
        ListWatch::Timing follow = {};
        // Of a fetch, which may be two requests: below the plugin's patience (timeout_ms, 2 s).
        std::chrono::milliseconds fetch_deadline{1'500};
    };
    // Client and table outlive it.
    KubeSource(kubeapi::Client& client, PodTable& pods, std::string node_name,
               const Timing& timing);

    void follow(asio::io_context& io, Changed changed) override;
    // A watch misses nothing; when it cannot go on, it ends.
    void refresh() override {}
    void fetch(const PodId& id, Fetched then) override;

    [[nodiscard]] WatchRestarts watch_restarts() const override;

  private:
    // A pod asked for directly, once for everybody who waits for it.
    struct Fetch {
        std::vector<Fetched> waiting = {};
        kubeapi::Call call = {};
        std::chrono::steady_clock::time_point until = {};
        // The watch or a list spoke of the pod since: that goes on, and the answer may be older.
        bool overtaken = false;
    };

    ListWatch::Audience audience_of_pods();
    ListWatch::Audience audience_of_spaces();
    [[nodiscard]] bool usable(const kube::Received& received);
    void listed();
    void tell_news();
    void overtake(const PodId& id);
    void on_pod(const PodId& id, const Result<kubeapi::Response>& result);
    void ask_for_space(const PodId& id);
    void on_space(const PodId& id, const Result<kubeapi::Response>& result);
    kubeapi::Request request(const PodId& id, std::string path) const;
    void end(const PodId& id, const Result<void>& outcome);

    kubeapi::Client& client_;
    PodTable& pods_;
    std::string node_name_;
    Timing timing_;
    Changed changed_;
    bool news_ = false;  // since changed_ was called

    std::optional<ListWatch> pod_watch_;
    std::optional<ListWatch> space_watch_;
    std::set<PodId> shown_pods_;  // by the list under way
    SpaceNames shown_spaces_;
    bool pods_listed_ = false;  // once
    bool spaces_listed_ = false;
    std::map<PodId, Fetch> fetches_;
    Ahead<PodId> ahead_pods_;
    Ahead<std::string> ahead_spaces_;
};

}  // namespace ambient::agent
