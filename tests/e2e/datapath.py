"""Who programs the kernel: the product (agents and plugin), or by hand the reference that proves the harness."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from agent import Agent
from kernel_events import KernelEvents
from kernel_view import filter_table, links
from model import NODES, PODS, Node
from reference_datapath import ReferenceDatapath

if TYPE_CHECKING:
    from cluster import Cluster


class Datapath(Protocol):
    agents: dict[str, Agent]

    def chained(self, cluster: Cluster, node: Node) -> list[dict[str, Any]]:
        """The plugin entries behind ptp in the node's conflist."""

    def start(self, cluster: Cluster) -> None:
        """Before any pod is attached."""

    def wait_ready(self, cluster: Cluster) -> None:
        """After the ztunnels are attached: returns once traffic is captured."""

    def frozen(self, cluster: Cluster, node: Node) -> contextlib.AbstractContextManager[None]:
        """While it lasts nobody repairs the node's kernel state; afterwards it is whole again."""

    def stop(self) -> None: ...


def programmed(cluster: Cluster, node: Node) -> bool:
    """Devices and filter table stand on the node and in its ztunnel's namespace."""
    ztunnel = cluster.netns[f"zt-{node.name}"]
    netns = cluster.netns[node.netns]
    return (
        {"istioin", "istioout"} <= links(netns).keys()
        and {"pistioin", "pistioout"} <= links(ztunnel).keys()
        and "chain prerouting" in filter_table(netns)
        and "tproxy" in filter_table(ztunnel)
    )


class Product:
    """ambient-node-agent on each node, ambient-cni behind ptp."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}

    def chained(self, cluster: Cluster, node: Node) -> list[dict[str, Any]]:
        agent = Agent(node, cluster.netns[node.netns], cluster.folder / node.netns, cluster.store.path)
        self.agents[node.name] = agent
        return [{"type": "ambient-cni", "agent_socket": str(agent.socket)}]

    def start(self, cluster: Cluster) -> None:
        for agent in self.agents.values():
            agent.start()
        for node in NODES.values():
            self.agents[node.name].wait_serving()

    def wait_ready(self, cluster: Cluster) -> None:
        for node in NODES.values():
            self.wait_programmed(cluster, node)

    @staticmethod
    def wait_programmed(cluster: Cluster, node: Node) -> None:
        with KernelEvents(cluster.netns[f"zt-{node.name}"]) as ztunnel_events:
            with KernelEvents(cluster.netns[node.netns]) as events:
                events.wait_until(
                    lambda: filter_table(cluster.netns[node.netns]) != "", "the node's filter table"
                )
            ztunnel_events.wait_until(lambda: programmed(cluster, node), "devices and filter tables")

    @contextlib.contextmanager
    def frozen(self, cluster: Cluster, node: Node) -> Iterator[None]:
        netns = cluster.netns[node.netns]
        before = filter_table(netns)
        with self.agents[node.name].paused():
            yield
        with KernelEvents(netns) as events:
            events.wait_until(lambda: filter_table(netns) == before, "the filter table repaired")

    def stop(self) -> None:
        for agent in self.agents.values():
            if agent.running:
                agent.stop()


class Reference:
    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self._states: dict[str, tuple[ReferenceDatapath, dict[str, str]]] = {}

    def chained(self, cluster: Cluster, node: Node) -> list[dict[str, Any]]:
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
            state = ReferenceDatapath(
                node,
                cluster.netns[node.netns],
                cluster.netns[ztunnel.name],
                ztunnel.address,
                cluster.veths,
                ztunnel.name,
            )
            state.start(enrolled)
            self._states[node.name] = (state, enrolled)

    @contextlib.contextmanager
    def frozen(self, cluster: Cluster, node: Node) -> Iterator[None]:
        yield
        state, enrolled = self._states[node.name]
        state.load_filter(enrolled)

    def stop(self) -> None:
        pass
