// The agent's metrics as text; tests/api/test_health.py reads them from a running agent.
#include "node-agent/report/metrics.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace ambient;
using agent::Stats;

namespace {

bool has(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("an agent that has done nothing yet shows its counters as 0") {
    const auto text = metrics_text(Stats{});
    for (const std::string line :
         {R"(ambient_pods{state="missing"} 0)", R"(ambient_drift_repaired_total{kind="route"} 0)",
          R"(ambient_reconciles_total{scope="pods",result="failure"} 0)",
          R"(ambient_cni_add_seconds_count{step="total"} 0)", "ambient_source_synced 0",
          "ambient_drift_age_seconds 0", "ambient_ztunnel_claims_refused_total 0"}) {
        CAPTURE(line);
        CHECK(has(text, line));
    }
    // What there is not is not shown as 0.
    CHECK(text.find("ambient_installed") == std::string::npos);
    CHECK(text.find("ambient_last_verified") == std::string::npos);
    CHECK(text.find("ambient_api") == std::string::npos);
}

TEST_CASE("every value stands under its name") {
    using namespace std::chrono_literals;
    Stats stats;
    stats.now = std::chrono::steady_clock::time_point(100s);
    stats.pods = {.wanted = 5, .captured = 3};
    stats.source_synced = true;
    stats.keeper.all = {.success = 7, .failure = 8};
    stats.keeper.pods = {.success = 9, .failure = 10};
    stats.keeper.drift["rule"] = 11;
    stats.keeper.ztunnel_switches = 12;
    stats.keeper.lanes_cut_off = 18;
    stats.keeper.lanes = {{.lane = 1, .is_active = true, .connections = 19},
                          {.lane = 0, .connections = 20},
                          {.lane = 2}};
    stats.keeper.unverified_since = stats.now - 1500ms;
    stats.keeper.last_verified = std::chrono::system_clock::from_time_t(1'767'225'600);
    stats.sidecars = {.right = 18, .troubled = 19, .repairs = {{"missing", 20}}};
    stats.add.verify.observe(2ms);
    stats.ztunnel_claims_refused = 13;
    stats.installed = true;
    stats.install_writes["plugin"] = 14;
    stats.api_requests[{.verb = "list", .resource = "pods", .status = 200}] = 15;
    stats.watch_restarts["pods"]["expired"] = 16;
    stats.status_writes[{.what = "event", .result = "success"}] = 17;
    const auto text = metrics_text(stats);
    for (const std::string line :
         {R"(ambient_pods{state="wanted"} 5)",
          R"(ambient_pods{state="captured"} 3)",
          R"(ambient_pods{state="missing"} 2)",
          R"(ambient_reconciles_total{scope="all",result="success"} 7)",
          R"(ambient_reconciles_total{scope="all",result="failure"} 8)",
          R"(ambient_reconciles_total{scope="pods",result="success"} 9)",
          R"(ambient_reconciles_total{scope="pods",result="failure"} 10)",
          R"(ambient_drift_repaired_total{kind="rule"} 11)",
          "ambient_ztunnel_switches_total 12",
          R"(ambient_sidecar_pods{state="redirected"} 18)",
          R"(ambient_sidecar_pods{state="troubled"} 19)",
          R"(ambient_sidecar_repairs_total{found="missing"} 20)",
          R"(ambient_sidecar_repairs_total{found="different"} 0)",
          "ambient_ztunnel_lanes_cut_off_total 18",
          R"(ambient_ztunnel_connections{generation="1",state="active"} 19)",
          R"(ambient_ztunnel_connections{generation="0",state="draining"} 20)",
          "ambient_drift_age_seconds 1.5",
          "ambient_last_verified_timestamp_seconds 1767225600",
          R"(ambient_cni_add_seconds_bucket{step="verify",le="0.0025"} 1)",
          R"(ambient_cni_add_seconds_bucket{step="verify",le="0.001"} 0)",
          "ambient_ztunnel_claims_refused_total 13",
          "ambient_source_synced 1",
          "ambient_installed 1",
          R"(ambient_install_writes_total{what="plugin"} 14)",
          R"(ambient_api_requests_total{verb="list",resource="pods",code="200"} 15)",
          R"(ambient_api_watch_restarts_total{resource="pods",reason="expired"} 16)",
          R"(ambient_status_writes_total{what="event",result="success"} 17)"}) {
        CAPTURE(line);
        CHECK(has(text, line));
    }
}
