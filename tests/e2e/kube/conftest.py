"""One Kubernetes node for the whole folder, its agent running. AMBIENT_BUILD names the programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.kube.kube_node import KubeNode

LOG_LINES_SHOWN = 80


@pytest.fixture(scope="session")
def kube_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeNode]:
    with KubeNode(tmp_path_factory.mktemp("kube")) as node:
        node.agent.start()
        node.agent.wait_serving()
        node.start_ztunnel()
        node.agent.wait_ready()
        yield node


@pytest.fixture
def node(kube_node: KubeNode) -> Iterator[KubeNode]:
    """Ambient and plain namespaces; the pods that a test makes are gone afterwards."""
    kube_node.put_namespace("mesh", ambient=True)
    kube_node.put_namespace("plain", ambient=False)
    before = {pod["metadata"]["name"] for pod in kube_node.api.all("pods")}
    yield kube_node
    kube_node.api.heal()
    if not kube_node.agent.running:
        kube_node.agent.start()
        kube_node.agent.wait_ready()
    for pod in kube_node.api.all("pods"):
        space, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        if name in before:
            continue
        if (space, name) in kube_node.sandboxes:
            kube_node.remove_sandbox(space, name)
        kube_node.api.delete("pods", space, name)
    assert kube_node.libcni.to_remove == [], "DEL failed"
    kube_node.wait_whole()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Shows with a failure what the agent said."""
    report = (yield).get_result()
    node = getattr(item, "funcargs", {}).get("kube_node")
    if report.failed and node is not None:
        report.sections.append(("agent", "\n".join(node.agent.log()[-LOG_LINES_SHOWN:])))
