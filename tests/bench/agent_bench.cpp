// The agent's work on a live kernel, in the network namespace that this program is started in.
// Arguments: an agent configuration whose source shows the pods, then Google Benchmark's flags.
#include <cstdio>
#include <optional>
#include <string>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "common/config/load.hpp"
#include "node-agent/datapath/keeper.hpp"
#include "node-agent/leave/uninstall.hpp"
#include "node-agent/loop/log.hpp"
#include "node-agent/pods/pod_table.hpp"
#include "node-agent/serve/service.hpp"
#include "node-agent/source/object_files.hpp"

namespace {

using namespace ambient;

struct Input {
    config::AgentConfig config;
    kube::Objects objects;
};

std::optional<Input> input;

// Shows nothing that the table does not hold.
class NoSource final : public agent::Source {
  public:
    void follow(asio::io_context& /*io*/, Changed /*changed*/) override {}
    void refresh() override {}
    void fetch(const agent::PodId& /*id*/, Fetched then) override { then({}); }
};

// An agent without its loop; nothing is in the kernel yet. Taken away again at the end.
class Bench {
  public:
    explicit Bench(benchmark::State& state) : state_(state) {
        pods_.replace(input->objects);
        auto keeper = agent::Keeper::open(input->config, pods_);
        if (!must(keeper)) return;
        keeper_.emplace(*std::move(keeper));
        auto sidecars = agent::SidecarKeeper::open(input->config, pods_);
        if (!must(sidecars)) return;
        sidecars_.emplace(*std::move(sidecars));
        service_.emplace(
            pods_, *keeper_, *sidecars_, source_, [] { return agent::Readiness{}; }, [] {});
    }
    ~Bench() {
        std::vector<kube::Pod> ztunnels;
        for (const auto* pod : pods_.ztunnels())
            ztunnels.push_back(*pod);
        must(agent::uninstall(input->config, ztunnels));
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    // As the loop does when everything is to be looked at.
    bool settle() {
        pods_.take_changed();
        return keeper_ && must(keeper_->settle());
    }
    void forget_links() { keeper_->forget_links(); }
    bool ask(const rpc::Request& request) {
        bool good = false;
        service_->answer(request, [&](const rpc::Reply& reply) {
            good = !reply.error || must(Result<void>(std::unexpected(*reply.error)));
        });
        service_->finish_round();
        return good;
    }

  private:
    template <class T>
    bool must(const Result<T>& result) {
        if (!result) state_.SkipWithError(describe(result.error()).c_str());
        return result.has_value();
    }

    benchmark::State& state_;
    agent::PodTable pods_{input->config.policy, input->config.node_name};
    NoSource source_;
    std::optional<agent::Keeper> keeper_;
    std::optional<agent::SidecarKeeper> sidecars_;
    std::optional<agent::Service> service_;
};

void reconcile_cold(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming();
        {
            Bench bench(state);
            state.ResumeTiming();
            if (!bench.settle()) return;
            state.PauseTiming();
        }
        state.ResumeTiming();
    }
}

void reconcile_nothing_to_do(benchmark::State& state) {
    Bench bench(state);
    if (!bench.settle()) return;
    for (auto _ : state) {
        if (!bench.settle()) return;
    }
}

// The periodic full check: also every pod's device is looked up again.
void reconcile_resync(benchmark::State& state) {
    Bench bench(state);
    if (!bench.settle()) return;
    for (auto _ : state) {
        bench.forget_links();
        if (!bench.settle()) return;
    }
}

// A pod comes and goes: add, added, del as the plugin sends them. Its part is programmed by
// `added`, since no plugin has done it.
void pod_event(benchmark::State& state) {
    Bench bench(state);
    if (!bench.settle()) return;
    rpc::Request request{.attachment = {.container_id = "bench", .ifname = "eth0"},
                         .pod_namespace = "bench",
                         .pod_name = "joining-0",
                         .addresses = {IpAddress::parse("10.244.200.1").value()}};
    for (auto _ : state) {
        for (const auto verb : {rpc::Verb::add, rpc::Verb::added, rpc::Verb::del}) {
            request.verb = verb;
            if (!bench.ask(request)) return;
        }
    }
}

BENCHMARK(reconcile_cold)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(reconcile_nothing_to_do)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(reconcile_resync)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(pod_event)->Unit(benchmark::kMillisecond)->UseRealTime();

Result<Input> load(const char* config_file) {
    Input loaded{.config = TRY(config::load(config_file)), .objects = {}};
    auto source = TRY(agent::ObjectFiles::open(loaded.config.source.files));
    const auto refreshed = source.refresh();
    if (!refreshed.errors.empty()) return std::unexpected(refreshed.errors.front());
    loaded.objects = source.objects();
    return loaded;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    agent::start_log(agent::LogLevel::error, false);
    auto loaded = load(argv[1]);
    if (!loaded) {
        fmt::print(stderr, "{}\n", describe(loaded.error()));
        return 1;
    }
    input = *std::move(loaded);
    argv[1] = argv[0];
    int count = argc - 1;
    benchmark::Initialize(&count, argv + 1);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
