"""What the agent says of itself is what the kernel does."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from support.kube.kube_node import HEALTH_PORT, KubeNode

ADD_STEPS = ("decide", "program", "verify", "total")


def get(node: KubeNode, path: str) -> str:
    """The agent's answer, 200."""
    url = f"http://127.0.0.1:{HEALTH_PORT}{path}"
    return node.netns.run(lambda: urllib.request.urlopen(url, timeout=60).read().decode())


def value(node: KubeNode, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(get(node, "/metrics")):
        for sample in family.samples:
            if (sample.name, sample.labels) == (name, labels):
                return sample.value
    return 0


def adds(node: KubeNode) -> list[float]:
    return [value(node, "ambient_cni_add_seconds_count", step=step) for step in ADD_STEPS]


def test_a_node_that_captures_is_ready(node: KubeNode) -> None:
    address = node.start_pod("mesh", "ready")
    node.wait_captured(address)
    conditions = ("source", "datapath", "installation", "socket", "health")
    assert get(node, "/readyz") == "".join(f"ok {name}\n" for name in conditions)
    assert value(node, "ambient_drift_age_seconds") == 0


def test_pods_and_adds_are_counted(node: KubeNode) -> None:
    before = adds(node)
    address = node.start_pod("mesh", "counted")
    node.wait_captured(address)
    node.wait_whole()
    assert adds(node) == [count + 1 for count in before]
    captured = len(node.captured())
    assert value(node, "ambient_pods", state="captured") == captured
    assert value(node, "ambient_pods", state="wanted") == captured


def test_repaired_drift_is_counted_by_kind(node: KubeNode) -> None:
    address = node.start_pod("mesh", "drifting")
    node.wait_captured(address)
    node.wait_whole()
    before = value(node, "ambient_drift_repaired_total", kind="route")
    node.netns.ip(f"route del {address} table 100")
    node.wait_captured(address)
    assert value(node, "ambient_drift_repaired_total", kind="route") == before + 1
