"""Who programs the kernel: the product (agents and plugin), or by hand the reference that proves the harness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from model import NODES, PODS, Node
from reference_datapath import ReferenceDatapath

if TYPE_CHECKING:
    from cluster import Cluster


class Datapath(Protocol):
    plugin_folder: str | None

    def chained(self, node: Node) -> list[dict[str, Any]]:
        """The plugin entries behind ptp in the node's conflist."""

    def start(self, cluster: Cluster) -> None:
        """Before any pod is attached."""

    def wait_ready(self, cluster: Cluster) -> None:
        """After the ztunnels are attached: returns once traffic is captured."""

    def stop(self) -> None: ...


class Reference:
    plugin_folder = None

    def chained(self, node: Node) -> list[dict[str, Any]]:
        return []

    def start(self, cluster: Cluster) -> None:
        pass

    def wait_ready(self, cluster: Cluster) -> None:
        """Attaches the enrolled pods early: hand-written commands do not follow events."""
        cluster.attach(*(pod for pod in PODS.values() if pod.kind == "ambient"))
        for node in NODES.values():
            ztunnel = PODS[f"zt-{node.name}"]
            enrolled = {
                pod.name: pod.address
                for pod in PODS.values()
                if pod.node == node.name and pod.kind == "ambient"
            }
            ReferenceDatapath(
                node,
                cluster.netns[node.netns],
                cluster.netns[ztunnel.name],
                ztunnel.address,
                cluster.veths,
                ztunnel.name,
            ).start(enrolled)

    def stop(self) -> None:
        pass
