"""What a shape is, and how the cluster gets it and loses it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from support.cluster.cluster import Cluster
from support.cluster.datagrams import ping, send_spoofed
from support.cluster.model import NODES, PODS, UDP_PORT, UNDERLAY, Node
from support.kernel_events import KernelEvents
from support.kernel_view import filter_table, links

SYSCTLS = ("rp_filter", "proxy_arp", "route_localnet")


class Shape(Protocol):
    """One shape. What it does to the cluster it undoes when the context ends."""

    def on(self, cluster: Cluster) -> contextlib.AbstractContextManager[None]: ...

    def dropped(self, cluster: Cluster, node: Node) -> int:
        """How many packets the node has dropped for their sender, so far."""


@contextlib.contextmanager
def shaped(cluster: Cluster, shape: Shape) -> Iterator[None]:
    """The cluster has the shape, and the agents have followed; so they have at the end."""
    before = _state(cluster)
    made = contextlib.ExitStack()
    with _unseen(cluster):
        made.enter_context(shape.on(cluster))
    try:
        wait_followed(cluster)
        assert_senders_are_checked(cluster, shape)
        yield
    finally:
        with _unseen(cluster):
            made.close()
    wait_followed(cluster)
    after = _state(cluster)
    left = [f"{key}: {before[key]}, now {after[key]}" for key in before if after[key] != before[key]]
    assert not left, "\n".join(["of the shape is left:", *left])


@contextlib.contextmanager
def _unseen(cluster: Cluster) -> Iterator[None]:
    """The agents look when all stands, as on a node that has been so from the start."""
    with contextlib.ExitStack() as paused:
        for agent in cluster.datapath.agents.values():
            paused.enter_context(agent.paused())
        yield


def _state(cluster: Cluster) -> dict[str, list[str]]:
    """Where packets go, on the nodes and between them, and in one pod for all: each look is a program."""
    looks = {
        "addresses": ("ip", "-brief", "address"),
        "routes": ("ip", "route", "show", "table", "all"),
        "rules": ("ip", "rule"),
    }
    watched = [cluster.netns[name] for name in (UNDERLAY, "sleep", *(n.netns for n in NODES.values()))]
    found = {
        f"{netns.name} {what}": sorted(netns.command(*look).splitlines())
        for netns in watched
        for what, look in looks.items()
    }
    return found | {f"{netns.name} sysctls": netns.run(_sysctls) for netns in watched}


def _sysctls() -> list[str]:
    ipv4 = Path("/proc/sys/net/ipv4")
    files = [ipv4 / "ip_forward", *(f for key in SYSCTLS for f in ipv4.glob(f"conf/*/{key}"))]
    return sorted(f"{file.relative_to(ipv4)} {file.read_text().strip()}" for file in files)


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
    netns, source = cluster.netns[node.netns], f" src {cluster.host_ip(node)} "
    ways = [f"{way} " for way in netns.command("ip", "route", "show", "table", "all").splitlines()]
    filtered = filter_table(netns)
    back = any(way.startswith("default via") and source in way and " table 102 " in way for way in ways)
    veth = cluster.veths[f"zt-{node.name}"]
    lent = f"{cluster.host_ip(node)}/32 scope host" in netns.command("ip", "address", "show", "dev", veth)
    is_bare = node.name in cluster.host_ips
    return (back and lent == is_bare) and all(
        f" {pod.address}" in filtered
        and any(way.startswith(f"{pod.address} via") and source in way for way in ways)
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
