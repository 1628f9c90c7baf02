#include "node-agent/source/open_source.hpp"

#include <cstdlib>
#include <string>

#include "node-agent/source/file_source.hpp"
#include "node-agent/source/kube_source.hpp"

namespace ambient::agent {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

}  // namespace

Result<std::unique_ptr<kubeapi::Client>> open_client(const config::AgentConfig& config,
                                                     asio::io_context& io) {
    if (config.source.kind != config::SourceKind::kubernetes) return nullptr;
    const auto& file = config.source.kubeconfig;
    return kubeapi::Client::open(
        io, TRY(file.empty() ? kubeapi::in_cluster(environment) : kubeapi::from_kubeconfig(file)));
}

Result<std::unique_ptr<Source>> open_source(const config::AgentConfig& config, PodTable& pods,
                                            kubeapi::Client* client) {
    if (!client) return TRY(FileSource::open(config.source.files, pods));
    return std::make_unique<KubeSource>(*client, pods, config.node_name, KubeSource::Timing{});
}

Result<void> read_once(asio::io_context& io, Source& source, const PodTable& pods,
                       std::chrono::seconds patience) {
    source.follow(io, [] {});
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!pods.is_complete() && io.run_one_until(deadline) > 0) {
    }
    if (pods.is_complete()) return {};
    return std::unexpected(
        Error{.kind = ErrorKind::unavailable,
              .doing = "the source could not be read as a whole (see above); mend it first"});
}

}  // namespace ambient::agent
