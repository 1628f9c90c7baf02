"""10,000 namespaces and 500 pods on the node: what the source costs."""

from __future__ import annotations

from cluster import Cluster
from probe import Probe
from support.fake_apiserver import objects

NAMESPACES, PODS = 10_000, 500
# Of the probe, which is the agent without its kernel side. The agent's own numbers are in
# docs/performance.md; these bounds only catch what is far off, on a slow machine, too.
RESIDENT_KIB = 24 << 10
RESYNC_CPU_MS = 600


def test_large_cluster(cluster: Cluster) -> None:
    server = cluster.server
    server.put("namespaces", *(objects.namespace(f"space-{i:05}") for i in range(NAMESPACES)))
    server.put(
        "pods", *(cluster.pod(f"pod-{i:03}", f"space-{i * 7 % NAMESPACES:05}") for i in range(PODS))
    )
    with Probe(*cluster.kubeconfig(), "--quiet", build="AMBIENT_BUILD") as probe:
        probe.wait_complete(timeout=40)
        server.wait_watched("namespaces", "pods")
        before = probe.stats()
        assert (before["namespaces"], before["pods"]) == (NAMESPACES + 2, PODS)
        server.compact()
        server.break_watches()
        server.wait_requests("watch", "namespaces", 3, timeout=40)
        server.wait_watched("namespaces", "pods", timeout=40)
        after = probe.stats()
    resync = after["cpu_ms"] - before["cpu_ms"]
    print(f"resident {before['rss_kib']} KiB, then {after['rss_kib']} KiB; resync {resync:.0f} ms")
    assert max(before["rss_kib"], after["rss_kib"]) <= RESIDENT_KIB
    assert resync <= RESYNC_CPU_MS
