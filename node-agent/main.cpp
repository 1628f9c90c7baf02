// ambient-node-agent: command line, log, exit status.
#include <malloc.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <fmt/format.h>

#include "common/config/load.hpp"
#include "node-agent/agent.hpp"
#include "node-agent/install/installer.hpp"
#include "node-agent/leave/leave.hpp"
#include "node-agent/loop/log.hpp"
#include "node-agent/pods/pod_preview.hpp"
#include "node-agent/source/open_source.hpp"

namespace {

using namespace ambient;

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
// Until an API server has told everything.
constexpr std::chrono::seconds kReadOnce{30};

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
    "  ambient-node-agent --config agent.yaml --dry-run --pod shop/web    what a sidecar pod's "
    "annotations\n"
    "                                                      become in its own network namespace\n"
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
    std::string pod;  // with dry_run: this one instead of the node
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

Result<void> preview_pod(const config::AgentConfig& config, const std::string& named) {
    const auto id = TRY(agent::pod_id(named));
    asio::io_context io;
    agent::PodTable pods(config.policy, config.node_name);
    const auto client = TRY(agent::open_client(config, io));
    const auto source = TRY(agent::open_source(config, pods, client.get()));
    TRY(agent::read_once(io, *source, pods, client ? kReadOnce : agent::kNoWait));
    fmt::print("{}", TRY(agent::preview(pods, config.policy, config.datapath.protocol, id)));
    return {};
}

Result<void> run(const config::AgentConfig& config, const Options& options) {
    if (options.install) return agent::Installer(config).install();
    if (options.uninstall) return agent::leave(config);
    if (!options.pod.empty()) return preview_pod(config, options.pod);
    asio::io_context io;
    agent::PodTable pods(config.policy, config.node_name);
    const auto client = TRY(agent::open_client(config, io));
    const auto source = TRY(agent::open_source(config, pods, client.get()));
    auto keeper = TRY(agent::Keeper::open(config, pods));
    TRY(keeper.recover());
    auto sidecars = TRY(agent::SidecarKeeper::open(config, pods));
    if (!options.once && !options.dry_run) {
        agent::Budget writes(agent::kWrites);
        const auto fate = TRY(
            agent::Agent(io, config, pods, keeper, sidecars, *source, client.get(), writes).run());
        return fate == agent::Fate::stays ? Result<void>{} : agent::leave(config, pods, writes);
    }
    TRY(agent::read_once(io, *source, pods, client ? kReadOnce : agent::kNoWait));
    if (options.once) {
        while (sidecars.has_work())
            sidecars.settle_next();
        return keeper.settle();
    }
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
    auto* dry_run = app.add_flag("--dry-run", options.dry_run,
                                 "print what would be done and exit; changes nothing")
                        ->excludes(once);
    app.add_option("--pod", options.pod,
                   "NAMESPACE/NAME: print what this sidecar pod's own network namespace gets")
        ->needs(dry_run);
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
    // Whoever reads what we print may be gone: that is an error of the write, and no end of ours.
    (void)std::signal(SIGPIPE, SIG_IGN);
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
