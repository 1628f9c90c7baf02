#include "node-agent/report/metrics.hpp"

#include <chrono>

#include <fmt/format.h>

#include "node-agent/report/health/exposition.hpp"

namespace ambient::agent {
namespace {

double seconds(std::chrono::duration<double> duration) { return duration.count(); }

double number(std::uint64_t value) { return static_cast<double>(value); }

void add_datapath(Exposition& out, const Stats& stats) {
    const auto& keeper = stats.keeper;
    out.gauge("ambient_pods",
              "Pods of this node: wanted is all that are enrolled and have an address; each of "
              "these is captured (all its addresses, seen in the kernel) or missing.")
        .value(number(stats.pods.wanted), {{"state", "wanted"}})
        .value(number(stats.pods.captured), {{"state", "captured"}})
        .value(number(stats.pods.wanted - stats.pods.captured), {{"state", "missing"}});
    out.counter("ambient_reconciles_total",
                "Comparisons of the kernel with what is wanted, repair included: of all of it or "
                "of some pods. A failure is tried again.")
        .value(number(keeper.all.success), {{"scope", "all"}, {"result", "success"}})
        .value(number(keeper.all.failure), {{"scope", "all"}, {"result", "failure"}})
        .value(number(keeper.pods.success), {{"scope", "pods"}, {"result", "success"}})
        .value(number(keeper.pods.failure), {{"scope", "pods"}, {"result", "failure"}});
    out.counter("ambient_drift_repaired_total",
                "Kernel objects that were not as we had left them, and were repaired. Somebody "
                "else on this node changes them.");
    for (const auto* kind : {"link", "address", "route", "rule", "filter", "sysctl"}) {
        const auto found = keeper.drift.find(kind);
        out.value(found == keeper.drift.end() ? 0 : number(found->second), {{"kind", kind}});
    }
    const auto since = keeper.unverified_since;
    out.gauge("ambient_drift_age_seconds",
              "How long the kernel has not been known to be as wanted; 0 when it was verified at "
              "the last look. The log says why: not settled.")
        .value(since ? seconds(stats.now - *since) : 0);
    if (keeper.last_verified) {
        out.gauge("ambient_last_verified_timestamp_seconds",
                  "When the kernel was last seen to be as wanted.")
            .value(seconds(keeper.last_verified->time_since_epoch()));
    }
    out.counter("ambient_ztunnel_switches_total",
                "Changes of the ztunnel that pods are led to, as at each of its upgrades.")
        .value(number(keeper.ztunnel_switches));
    out.gauge("ambient_ztunnel_connections",
              "Connections that each ztunnel of the node holds in others' names, both sides of "
              "each, at the last resync: a draining one without any can go.");
    for (const LaneStats& lane : keeper.lanes) {
        if (!lane.connections) continue;
        out.value(number(*lane.connections), {{"generation", fmt::to_string(lane.lane)},
                                              {"state", lane.is_active ? "active" : "draining"}});
    }
    out.counter("ambient_ztunnel_lanes_cut_off_total",
                "Ztunnels that lost their connections before they ended, because more of them "
                "followed one another than there are lanes.")
        .value(number(keeper.lanes_cut_off));
    out.counter("ambient_ztunnel_claims_refused_total",
                "Pods with ztunnel's label that are not in its namespace or have not its service "
                "account: somebody's mistake, or an attempt to take over the node's traffic.")
        .value(number(stats.ztunnel_claims_refused));
}

void add_sidecars(Exposition& out, const SidecarStats& sidecars) {
    out.gauge(
           "ambient_sidecar_pods",
           "Pods with a sidecar whose rules are ours: redirected (seen in the pod's namespace at "
           "the last look) or troubled (an Event and the log say why).")
        .value(number(sidecars.right), {{"state", "redirected"}})
        .value(number(sidecars.troubled), {{"state", "troubled"}});
    out.counter(
        "ambient_sidecar_repairs_total",
        "Running pods whose sidecar's rules were put right, by what was found: missing (all "
        "of them) or different.");
    for (const auto* found : {"missing", "different"}) {
        const auto count = sidecars.repairs.find(found);
        out.value(count == sidecars.repairs.end() ? 0 : number(count->second), {{"found", found}});
    }
}

void add_plugin(Exposition& out, const AddTimes& add) {
    out.histogram("ambient_cni_add_seconds",
                  "Duration of ADDs by step: wait (for the API server, when the pod was not shown "
                  "yet), decide (the answer), program (the plugin's work), verify, and total.")
        .value(add.wait, {{"step", "wait"}})
        .value(add.decide, {{"step", "decide"}})
        .value(add.program, {{"step", "program"}})
        .value(add.verify, {{"step", "verify"}})
        .value(add.total, {{"step", "total"}});
}

void add_source(Exposition& out, const Stats& stats) {
    out.gauge("ambient_source_synced",
              "1 when all pods and namespaces were told once; until then nothing is changed.")
        .value(stats.source_synced ? 1 : 0);
    if (!stats.api_requests.empty()) {
        out.counter("ambient_api_requests_total",
                    "Requests to the API server by verb, resource and HTTP status; code 0: no "
                    "answer.");
        for (const auto& [kind, count] : stats.api_requests) {
            const auto code = fmt::to_string(kind.status);
            out.value(number(count),
                      {{"verb", kind.verb}, {"resource", kind.resource}, {"code", code}});
        }
    }
    if (!stats.watch_restarts.empty()) {
        out.counter("ambient_api_watch_restarts_total",
                    "Watches begun again, by why the one before ended.");
        for (const auto& [resource, reasons] : stats.watch_restarts) {
            for (const auto& [reason, count] : reasons)
                out.value(number(count), {{"resource", resource}, {"reason", reason}});
        }
    }
    if (!stats.status_writes.empty()) {
        out.counter("ambient_status_writes_total",
                    "Annotations, Events, labels and deletions of pods: failure is tried again, "
                    "refused means that "
                    "the pod has changed or is gone.");
        for (const auto& [write, count] : stats.status_writes)
            out.value(number(count), {{"what", write.what}, {"result", write.result}});
    }
}

void add_installation(Exposition& out, const Stats& stats) {
    if (!stats.installed) return;
    out.gauge("ambient_installed",
              "1 when the plugin and its entry in the node's network configuration are in place.")
        .value(*stats.installed ? 1 : 0);
    out.counter("ambient_install_writes_total",
                "Writes to the node's CNI folders. Steady growth: somebody keeps undoing them.");
    for (const auto& [what, count] : stats.install_writes)
        out.value(number(count), {{"what", what}});
}

// Named as every Prometheus client names them.
void add_process(Exposition& out, const ProcessStats& process) {
    out.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
        .value(number(process.resident_bytes))
        .counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
        .value(process.cpu_seconds)
        .gauge("process_open_fds", "Number of open file descriptors.")
        .value(number(process.open_fds));
}

}  // namespace

std::string metrics_text(const Stats& stats) {
    Exposition out;
    add_datapath(out, stats);
    add_sidecars(out, stats.sidecars);
    add_plugin(out, stats.add);
    add_source(out, stats);
    add_installation(out, stats);
    out.gauge("ambient_build_info", "Always 1: the labels tell what runs here.")
        .value(1, {{"version", AMBIENT_RELEASE}});
    if (stats.process) add_process(out, *stats.process);
    return out.text();
}

}  // namespace ambient::agent
