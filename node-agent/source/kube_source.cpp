#include "node-agent/source/kube_source.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/kube/stream.hpp"
#include "common/kubeapi/path.hpp"
#include "node-agent/loop/log.hpp"
#include "node-agent/source/refusal.hpp"

namespace ambient::agent {
namespace {

constexpr int kOk = 200;
constexpr int kNotFound = 404;
// Of the deadline of a request; libcurl takes 0 as none.
constexpr std::chrono::milliseconds kLeastDeadline{1};

// Of a Namespace only its metadata is asked for; a server that cannot do that sends it whole.
constexpr const char* kJson = "application/json";
constexpr const char* kMetadata =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
constexpr const char* kMetadataList =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

constexpr const char* kSpacesPath = "/api/v1/namespaces";

const kube::Pod& pod_in(const kube::Received& received) {
    return std::get<kube::Pod>(received.object);
}
const kube::Namespace& space_in(const kube::Received& received) {
    return std::get<kube::Namespace>(received.object);
}

// Not any 404: the server itself says so.
bool is_no_such_pod(const kubeapi::Response& response) {
    return response.status == kNotFound && kube::decode_status(response.body).reason == "NotFound";
}

}  // namespace

KubeSource::KubeSource(kubeapi::Client& client, PodTable& pods, std::string node_name,
                       const Timing& timing)
    : client_(client), pods_(pods), node_name_(std::move(node_name)), timing_(timing) {}

void KubeSource::follow(asio::io_context& io, Changed changed) {
    changed_ = std::move(changed);
    pod_watch_.emplace(io, client_,
                       Collection{.kind = kube::Kind::pod,
                                  .name = "pods",
                                  .path = "/api/v1/pods",
                                  .selector = "spec.nodeName=" + node_name_,
                                  .list_accept = kJson,
                                  .watch_accept = kJson},
                       audience_of_pods(), timing_.follow);
    space_watch_.emplace(io, client_,
                         Collection{.kind = kube::Kind::space,
                                    .name = "namespaces",
                                    .path = kSpacesPath,
                                    .selector = "",
                                    .list_accept = kMetadataList,
                                    .watch_accept = kMetadata},
                         audience_of_spaces(), timing_.follow);
    pod_watch_->start();
    space_watch_->start();
}

// What cannot be read is left as it was known before.
bool KubeSource::usable(const kube::Received& received) {
    if (!received.problem) return true;
    log(LogLevel::warning, "object not understood", *received.problem);
    return false;
}

ListWatch::Audience KubeSource::audience_of_pods() {
    return {.list_begins =
                [this] {
                    shown_pods_.clear();
                    if (!pod_watch_->may_lag()) ahead_pods_.clear();
                },
            .shown =
                [this](kube::Received received) {
                    const PodId id = id_of(pod_in(received));
                    if (pod_watch_->is_listing()) shown_pods_.insert(id);
                    if (!usable(received)) return;
                    if (!ahead_pods_.caught_up(id, received.resource_version)) return;
                    overtake(id);
                    pods_.put(std::get<kube::Pod>(std::move(received.object)));
                    news_ = true;
                },
            .gone =
                [this](const kube::Received& received) {
                    const PodId id = id_of(pod_in(received));
                    if (!ahead_pods_.caught_up(id, received.resource_version)) return;
                    overtake(id);
                    pods_.drop_pod(id);
                    news_ = true;
                },
            .listed =
                [this] {
                    // Newer than the list, or older: that a second answer decides, since from now
                    // on the watch tells what comes after it.
                    for (const auto& [id, version] : ahead_pods_.take()) {
                        const bool is_shown = !shown_pods_.insert(id).second;
                        if (is_shown) ahead_pods_.add(id, version);
                        if (!is_shown) fetch(id, [](const auto&) {});
                    }
                    pods_.keep_only_pods(std::exchange(shown_pods_, {}));
                    pods_listed_ = true;
                    listed();
                },
            .changed = [this] { tell_news(); }};
}

ListWatch::Audience KubeSource::audience_of_spaces() {
    return {.list_begins =
                [this] {
                    shown_spaces_.clear();
                    if (!space_watch_->may_lag()) ahead_spaces_.clear();
                },
            .shown =
                [this](const kube::Received& received) {
                    const auto& space = space_in(received);
                    if (space_watch_->is_listing()) shown_spaces_.insert(space.name);
                    if (!usable(received)) return;
                    if (!ahead_spaces_.caught_up(space.name, received.resource_version)) return;
                    pods_.put(space);
                    news_ = true;
                },
            .gone =
                [this](const kube::Received& received) {
                    const auto& name = space_in(received).name;
                    if (!ahead_spaces_.caught_up(name, received.resource_version)) return;
                    pods_.drop_namespace(name);
                    news_ = true;
                },
            .listed =
                [this] {
                    // Newer than the list, or gone by now: then it has no pods.
                    for (const auto& [name, version] : ahead_spaces_.take()) {
                        if (!shown_spaces_.insert(name).second) ahead_spaces_.add(name, version);
                    }
                    pods_.keep_only_namespaces(std::exchange(shown_spaces_, {}));
                    spaces_listed_ = true;
                    listed();
                },
            .changed = [this] { tell_news(); }};
}

void KubeSource::tell_news() {
    if (std::exchange(news_, false)) changed_();
}

void KubeSource::listed() {
    news_ = true;
    if (pods_listed_ && spaces_listed_) pods_.complete();
}

KubeSource::WatchRestarts KubeSource::watch_restarts() const {
    WatchRestarts all;
    if (pod_watch_) all["pods"] = pod_watch_->restarts();
    if (space_watch_) all["namespaces"] = space_watch_->restarts();
    return all;
}

void KubeSource::overtake(const PodId& id) {
    const auto fetch = fetches_.find(id);
    if (fetch != fetches_.end()) fetch->second.overtaken = true;
}

void KubeSource::fetch(const PodId& id, Fetched then) {
    auto [entry, is_first] = fetches_.try_emplace(id);
    Fetch& fetch = entry->second;
    fetch.waiting.push_back(std::move(then));
    if (!is_first) return;
    fetch.until = std::chrono::steady_clock::now() + timing_.fetch_deadline;
    fetch.call = client_.send(
        request(id, fmt::format("{}/{}/pods/{}", kSpacesPath, kubeapi::encoded(id.space),
                                kubeapi::encoded(id.name))),
        [this, id](const auto& result) { on_pod(id, result); });
}

kubeapi::Request KubeSource::request(const PodId& id, std::string path) const {
    const auto left = fetches_.at(id).until - std::chrono::steady_clock::now();
    const auto rounded = std::chrono::duration_cast<std::chrono::milliseconds>(left);
    return {.path = std::move(path), .deadline = std::max(rounded, kLeastDeadline)};
}

void KubeSource::on_pod(const PodId& id, const Result<kubeapi::Response>& result) {
    if (!result) return end(id, std::unexpected(result.error()));
    if (result->status == kOk || result->status == kNotFound) {
        pod_watch_->hurry();
        space_watch_->hurry();
    }
    const bool overtaken = fetches_.at(id).overtaken;
    if (result->status != kOk) {
        if (is_no_such_pod(*result) && !overtaken) {
            pods_.drop_pod(id);
            changed_();
        }
        return end(id, std::unexpected(refusal("get pod " + to_string(id), *result)));
    }
    auto received = kube::decode_object(kube::Kind::pod, result->body);
    if (!received) return end(id, std::unexpected(received.error()));
    auto pod = std::get<kube::Pod>(std::move(received->object));
    if (pod.node_name != node_name_ || id_of(pod) != id) {
        return end(id, std::unexpected(Error{.kind = ErrorKind::not_found,
                                             .doing = "find pod " + to_string(id),
                                             .object = "on node " + node_name_}));
    }
    if (!overtaken) {
        ahead_pods_.add(id, received->resource_version);
        pods_.put(std::move(pod));
        changed_();
    }
    if (pods_.shows(id, "")) return end(id, {});
    ask_for_space(id);
}

void KubeSource::ask_for_space(const PodId& id) {
    auto asked = request(id, fmt::format("{}/{}", kSpacesPath, kubeapi::encoded(id.space)));
    asked.accept = kMetadata;
    fetches_.at(id).call =
        client_.send(std::move(asked), [this, id](const auto& result) { on_space(id, result); });
}

void KubeSource::on_space(const PodId& id, const Result<kubeapi::Response>& result) {
    if (!result) return end(id, std::unexpected(result.error()));
    if (result->status != kOk)
        return end(id, std::unexpected(refusal("get namespace " + id.space, *result)));
    auto received = kube::decode_object(kube::Kind::space, result->body);
    if (!received) return end(id, std::unexpected(received.error()));
    // What the watch said meanwhile goes on, and this may be older.
    if (!pods_.shows(id, "")) {
        ahead_spaces_.add(id.space, received->resource_version);
        pods_.put(space_in(*received));
        changed_();
    }
    end(id, {});
}

void KubeSource::end(const PodId& id, const Result<void>& outcome) {
    const std::vector<Fetched> waiting = std::move(fetches_.at(id).waiting);
    fetches_.erase(id);
    for (const auto& then : waiting)
        then(outcome);
}

}  // namespace ambient::agent
