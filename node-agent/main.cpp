// ambient-node-agent: command line, log, exit status.
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <fmt/format.h>

#include "common/config/load.hpp"
#include "node-agent/agent.hpp"
#include "node-agent/file_source.hpp"
#include "node-agent/install/installer.hpp"
#include "node-agent/kube_source.hpp"
#include "node-agent/log.hpp"
#include "node-agent/uninstall.hpp"

namespace {

using namespace ambient;

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
// Until everything was told: files are read at once, an API server has to answer.
constexpr std::chrono::seconds kNoWait{0};
constexpr std::chrono::seconds kReadOnce{30};
// Leaving must not depend on an API server that is gone.
constexpr std::chrono::seconds kReadToLeave{5};

constexpr const char* kAbout =
    "Keeps this node's ambient datapath right: the Geneve devices between the node and its "
    "ztunnel, the\n"
    "rules and routes around them, and the capture of every enrolled pod. Works in the network "
    "namespace\n"
    "that it is started in; needs root.\n";
constexpr const char* kExamples =
    "\nExamples:\n"
    "  ambient-node-agent --config agent.yaml --dry-run    what it would do, as ip, sysctl and nft "
    "lines\n"
    "  ambient-node-agent --config agent.yaml --once       do it once; exit status 0 when "
    "verified\n"
    "  ambient-node-agent --config agent.yaml              do it, and keep it so until SIGTERM\n"
    "  ambient-node-agent install --config agent.yaml      the plugin and its entry in the CNI "
    "chain, once\n"
    "  ambient-node-agent uninstall --config agent.yaml    remove exactly what is ours\n"
    "\nStopping leaves the datapath in place. Exit status: 0 done, 1 failed, 2 wrong usage or "
    "configuration.\n";

struct Options {
    std::string config_file = "/etc/ambient-cni/agent.yaml";
    bool once = false;
    bool dry_run = false;
    bool install = false;
    bool uninstall = false;
};

agent::LogLevel level_of(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::debug: return agent::LogLevel::debug;
        case config::LogLevel::info: return agent::LogLevel::info;
        case config::LogLevel::warning: return agent::LogLevel::warning;
        case config::LogLevel::error: return agent::LogLevel::error;
    }
    return agent::LogLevel::info;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// Nothing without a cluster.
Result<std::unique_ptr<kubeapi::Client>> open_client(const config::AgentConfig& config,
                                                     asio::io_context& io) {
    if (config.source.kind != config::SourceKind::kubernetes) return nullptr;
    const auto& file = config.source.kubeconfig;
    return kubeapi::Client::open(
        io, TRY(file.empty() ? kubeapi::in_cluster(environment) : kubeapi::from_kubeconfig(file)));
}

Result<std::unique_ptr<agent::Source>> open_source(const config::AgentConfig& config,
                                                   agent::PodTable& pods, kubeapi::Client* client) {
    if (!client) return TRY(agent::FileSource::open(config.source.files, pods));
    return std::make_unique<agent::KubeSource>(*client, pods, config.node_name,
                                               agent::KubeSource::Timing{});
}

// Runs the loop until everything there is was told; for what is done once.
Result<void> read_once(asio::io_context& io, agent::Source& source, const agent::PodTable& pods,
                       std::chrono::seconds patience) {
    source.follow(io, [&] {
        if (pods.is_complete()) io.stop();
    });
    if (!pods.is_complete()) io.run_for(patience);
    if (pods.is_complete()) return {};
    return std::unexpected(
        invalid_input("the source could not be read as a whole (see above); mend it first"));
}

std::vector<kube::Pod> ztunnels_in(const agent::PodTable& pods) {
    std::vector<kube::Pod> ztunnels;
    for (const auto* pod : pods.ztunnels())
        ztunnels.push_back(*pod);
    return ztunnels;
}

// As far as the source can be reached; where the tunnels lead is known from the kernel, too.
std::vector<kube::Pod> known_ztunnels(const config::AgentConfig& config) {
    asio::io_context io;
    agent::PodTable pods(config.policy, config.node_name);
    const auto read = [&]() -> Result<void> {
        const auto client = TRY(open_client(config, io));
        const auto source = TRY(open_source(config, pods, client.get()));
        return read_once(io, *source, pods, client ? kReadToLeave : kNoWait);
    }();
    if (!read) agent::log(agent::LogLevel::warning, "pods not known", read.error());
    return ztunnels_in(pods);
}

Result<void> run(const config::AgentConfig& config, const Options& options) {
    if (options.install) return agent::Installer(config).install();
    if (options.uninstall) return agent::uninstall(config, known_ztunnels(config));
    asio::io_context io;
    agent::PodTable pods(config.policy, config.node_name);
    const auto client = TRY(open_client(config, io));
    const auto source = TRY(open_source(config, pods, client.get()));
    auto keeper = TRY(agent::Keeper::open(config, pods));
    TRY(keeper.recover_attachments());
    if (!options.once && !options.dry_run) {
        const auto fate = TRY(agent::Agent(io, config, pods, keeper, *source, client.get()).run());
        return fate == agent::Fate::stays ? Result<void>{}
                                          : agent::uninstall(config, ztunnels_in(pods));
    }
    TRY(read_once(io, *source, pods, client ? kReadOnce : kNoWait));
    if (options.once) return keeper.settle();
    fmt::print("{}", TRY(keeper.preview()));
    return {};
}

int report(const Result<void>& outcome) {
    if (outcome) return 0;
    agent::log(agent::LogLevel::error, "failed", outcome.error());
    return outcome.error().kind == ErrorKind::invalid_input ? kBadUsage : kFailed;
}

void describe_options(CLI::App& app, Options& options) {
    app.footer(kExamples);
    app.fallthrough();
    app.add_option("--config", options.config_file,
                   "YAML file; every field is explained in manifests/config/agent.yaml")
        ->capture_default_str();
    auto* once = app.add_flag("--once", options.once, "settle once and exit");
    app.add_flag("--dry-run", options.dry_run, "print what would be done and exit; changes nothing")
        ->excludes(once);
    app.add_subcommand("install",
                       "put the plugin and its entry in the network configuration in place")
        ->callback([&options] { options.install = true; });
    app.add_subcommand("uninstall", "remove exactly what is ours, with sysctls as they were before")
        ->callback([&options] { options.uninstall = true; });
}

// Reading the source takes much more memory than what stays. glibc would keep that for itself: its
// threshold for giving back grows with what was freed (malloc(3), M_TRIM_THRESHOLD), and the
// short-lived threads that enter a namespace would each have an arena.
void keep_memory_small() {
    (void)::mallopt(M_TRIM_THRESHOLD, 128 * 1024);
    (void)::mallopt(M_ARENA_MAX, 1);
}

}  // namespace

int main(int argc, char** argv) {
    keep_memory_small();
    Options options;
    CLI::App app(kAbout, "ambient-node-agent");
    try {
        describe_options(app, options);
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : kBadUsage;
    }
    const auto config = config::load(options.config_file);
    if (!config) {
        agent::start_log(agent::LogLevel::info, false);
        report(std::unexpected(config.error()));
        return kBadUsage;
    }
    agent::start_log(level_of(config->log.level), config->log.format == config::LogFormat::json);
    return report(run(*config, options));
}
