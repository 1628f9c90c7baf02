"""The product on every node of the cluster: its agents, its plugin in the CNI chain, and when their
work is done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from support.agent import Agent
from support.cluster.model import NODES, Node
from support.kernel_events import KernelEvents
from support.kernel_view import filter_table, links

if TYPE_CHECKING:
    from support.cluster.cluster import Cluster


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
        """The plugin entries behind ptp in the node's conflist."""
        config = {
            "source": {"files": str(cluster.store.path)},
            "policy": {"redirect_sidecars": True},
        }
        agent = Agent(
            node.netns, cluster.netns[node.netns], cluster.folder / node.netns, config
        )
        self.agents[node.name] = agent
        return [{"type": "ambient-cni", "agent_socket": str(agent.socket)}]

    def start(self) -> None:
        """Before any pod is attached."""
        for agent in self.agents.values():
            agent.start()
        for node in NODES.values():
            self.agents[node.name].wait_serving()

    def wait_ready(self, cluster: Cluster) -> None:
        """After the ztunnels are attached: returns once traffic is captured."""
        for node in NODES.values():
            self.wait_programmed(cluster, node)

    @staticmethod
    def wait_programmed(cluster: Cluster, node: Node) -> None:
        with KernelEvents(cluster.netns[f"zt-{node.name}"]) as ztunnel_events:
            with KernelEvents(cluster.netns[node.netns]) as events:
                events.wait_until(
                    lambda: filter_table(cluster.netns[node.netns]) != "", "the node's filter table"
                )
            ztunnel_events.wait_until(
                lambda: programmed(cluster, node), "devices and filter tables"
            )

    @contextlib.contextmanager
    def frozen(self, cluster: Cluster, node: Node) -> Iterator[None]:
        """While it lasts nobody repairs the node's kernel state; afterwards it is whole again."""
        netns = cluster.netns[node.netns]
        before = filter_table(netns)
        with self.agents[node.name].paused():
            yield
        with KernelEvents(netns) as events:
            events.wait_until(lambda: filter_table(netns) == before, "the filter table repaired")

    def stop(self) -> None:
        with contextlib.ExitStack() as stack:
            for agent in self.agents.values():
                if agent.running:
                    stack.callback(agent.stop)
