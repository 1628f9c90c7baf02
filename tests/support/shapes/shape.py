"""What a shape is, and how the cluster gets it and loses it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from support.cluster.cluster import Cluster
from support.cluster.datagrams import ping, send_spoofed
from support.cluster.model import NODES, PODS, UDP_PORT, UNDERLAY, Node
from support.kernel_events import KernelEvents
from support.kernel_view import links, routes

TO_ZTUNNEL_TABLE = 102


class Shape(Protocol):
    """One shape. What it does to the cluster it undoes when the context ends."""

    def on(self, cluster: Cluster) -> contextlib.AbstractContextManager[None]: ...

    def dropped(self, cluster: Cluster, node: Node) -> int:
        """How many packets the node has dropped for their sender, so far."""


@contextlib.contextmanager
def shaped(cluster: Cluster, shape: Shape) -> Iterator[None]:
    """The cluster has the shape, and the agents have followed; so they have at the end."""
    before = _state(cluster)
    with shape.on(cluster):
        wait_followed(cluster)
        assert_senders_are_checked(cluster, shape)
        yield
    wait_followed(cluster)
    after = _state(cluster)
    left = [f"{key}: {before[key]}, now {after[key]}" for key in before if after[key] != before[key]]
    assert not left, "\n".join(["of the shape is left:", *left])


def _state(cluster: Cluster) -> dict[str, list[str]]:
    """Where packets go, on the nodes and between them, and in one pod for all: each look is a program."""
    looks = {
        "addresses": ("ip", "-brief", "address"),
        "routes": ("ip", "route", "show", "table", "all"),
        "rules": ("ip", "rule"),
        "sysctls": ("sysctl", "-a", "-r", r"ipv4.*\.(rp_filter|proxy_arp|route_localnet|ip_forward)"),
    }
    return {
        f"{name} {what}": sorted(cluster.netns[name].command(*look).splitlines())
        for name in (UNDERLAY, "sleep", *(node.netns for node in NODES.values()))
        for what, look in looks.items()
    }


def wait_followed(cluster: Cluster) -> None:
    for node in NODES.values():
        with (
            KernelEvents(cluster.netns[node.netns]) as events,
            KernelEvents(cluster.netns[f"zt-{node.name}"]) as ztunnel_events,
        ):
            events.wait_until(lambda: _has_ways(cluster, node), "the node's routes follow")
            ztunnel_events.wait_until(
                lambda: _tunnels_lead_home(cluster, node), "the tunnels lead to the node"
            )


def _has_ways(cluster: Cluster, node: Node) -> bool:
    back = routes(cluster.netns[node.netns], TO_ZTUNNEL_TABLE)
    source = f"src {cluster.host_ip(node)} "
    return any(line.startswith("default via") and source in f"{line} " for line in back) and all(
        cluster.is_enrolled(pod)
        for pod in cluster.pods.values()
        if pod.kind == "ambient" and pod.node == node.name
    )


def _tunnels_lead_home(cluster: Cluster, node: Node) -> bool:
    found = links(cluster.netns[f"zt-{node.name}"])
    return {
        found[name]["linkinfo"]["info_data"]["remote"] for name in ("pistioin", "pistioout")
    } == {cluster.host_ip(node)}


def assert_senders_are_checked(cluster: Cluster, shape: Shape) -> None:
    """What comes with another pod's address is dropped, and so counted."""
    pod, forged = PODS["plain-a"], PODS["plain-b"].address
    node = NODES[pod.node]
    before = shape.dropped(cluster, node)
    send_spoofed(cluster.netns[pod.name], forged, (node.address, UDP_PORT))
    assert ping(cluster.netns[pod.name], node.address)  # the same way, behind it
    assert shape.dropped(cluster, node) == before + 1
