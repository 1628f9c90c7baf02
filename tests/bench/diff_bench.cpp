// The pure part of a reconcile: facts to wanted state, and the difference of two states.
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

#include "common/desired/state.hpp"
#include "common/plan/diff.hpp"

namespace {

using namespace ambient;

IpAddress address(int third, int fourth) {
    return IpAddress::parse("10.244." + std::to_string(third) + "." + std::to_string(fourth))
        .value();
}

desired::NodeFacts facts_of(int pods) {
    desired::NodeFacts facts;
    facts.host_addresses = {address(0, 1)};
    facts.ztunnels = {{.host_link = "veth-ztunnel", .addresses = {address(0, 10)}}};
    for (int pod = 0; pod < pods; ++pod) {
        facts.pods.push_back({.address = address(1 + pod / 250, 1 + pod % 250),
                              .comment = "8a1c2f0e-5a3b-4c1d-9e8f-" + std::to_string(pod)});
    }
    return facts;
}

struct Node {
    explicit Node(int pods) : facts(facts_of(pods)) {}

    desired::Datapath datapath;
    desired::NodeFacts facts;
    model::NetnsState wanted = desired::node_state(datapath, facts);
    model::Scope scope = desired::node_scope(datapath, facts);
};

// `empty`: whether there must be nothing to do.
void run_diff(benchmark::State& state, const Node& node, const model::NetnsState& found,
              bool empty) {
    for (auto _ : state) {
        const auto plan = plan::diff_without_conflict(node.wanted, found, node.scope);
        if (!plan || plan->empty() != empty) state.SkipWithError("not the plan that was expected");
        benchmark::DoNotOptimize(plan);
    }
}

void diff_nothing_to_do(benchmark::State& state) {
    const Node node(static_cast<int>(state.range(0)));
    run_diff(state, node, node.wanted, true);
}

void diff_cold(benchmark::State& state) {
    const Node node(static_cast<int>(state.range(0)));
    run_diff(state, node, {}, false);
}

void desired_state(benchmark::State& state) {
    const Node node(static_cast<int>(state.range(0)));
    for (auto _ : state)
        benchmark::DoNotOptimize(desired::node_state(node.datapath, node.facts));
}

BENCHMARK(diff_nothing_to_do)->Arg(1000)->Unit(benchmark::kMicrosecond);
BENCHMARK(diff_cold)->Arg(1000)->Unit(benchmark::kMicrosecond);
BENCHMARK(desired_state)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
