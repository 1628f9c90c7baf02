"""Pods' veths without an address on the node's side, as Calico's and AWS VPC CNI's are: a host route
leads to each pod, and the pods' gateway is an address that nobody has."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from support.cluster.cluster import Cluster
from support.cluster.model import NODES, Node, Pod
from support.kernel_view import links
from support.netns import Netns

GATEWAY = "169.254.1.1"  # Calico's and AWS VPC CNI's, too
# The node's address out of its pods' range, as Calico has it on tunl0; ptp has it on every veth.
HOLDER = "tunl0-like"


def pods_of(cluster: Cluster, node: Node) -> list[Pod]:
    return [pod for pod in cluster.pods.values() if pod.node == node.name]


def _main_routes(netns: Netns) -> list[str]:
    return netns.command("ip", "route", "show", "table", "main").splitlines()


def _bare_node(cluster: Cluster, node: Node) -> contextlib.ExitStack:
    netns = cluster.netns[node.netns]
    veths = {pod: cluster.veths[pod.name] for pod in pods_of(cluster, node)}
    of_veths = [
        line
        for line in _main_routes(netns)
        if any(f"dev {veth} " in f"{line} " for veth in veths.values())
    ]
    undo = contextlib.ExitStack()
    undo.callback(
        netns.ip,
        f"link del {HOLDER}",
        *(f"addr add {node.host_ip}/32 dev {veth}" for veth in veths.values()),
        *(f"route del {pod.address} dev {veth} scope link" for pod, veth in veths.items()),
        *(f"route add {line}" for line in of_veths),
    )
    # A device's last address takes its routes along (net/ipv4/fib_frontend.c, fib_inetaddr_event).
    netns.ip(
        *(
            line
            for pod, veth in veths.items()
            for line in (
                f"addr del {node.host_ip}/32 dev {veth}",
                f"route add {pod.address} dev {veth} scope link",
            )
        ),
        f"link add {HOLDER} type dummy",
        f"addr add {node.host_ip}/32 dev {HOLDER}",
        f"link set {HOLDER} up",
    )
    return undo


def _repoint_pod(netns: Netns, host_mac: str | None) -> contextlib.ExitStack:
    before = _main_routes(netns)
    by_gateway = [line for line in before if " via " in f" {line} "]
    direct = [line for line in before if line not in by_gateway]
    undo = contextlib.ExitStack()
    forget = [f"neigh del {GATEWAY} dev eth0"] if host_mac else []
    undo.callback(
        netns.ip, "route flush table main", *forget, *(f"route add {r}" for r in direct + by_gateway)
    )
    known = [f"neigh replace {GATEWAY} lladdr {host_mac} dev eth0 nud permanent"] if host_mac else []
    netns.ip(
        "route flush table main",
        f"route add {GATEWAY} dev eth0 scope link",
        f"route add default via {GATEWAY} dev eth0",
        *known,
    )
    return undo


@contextlib.contextmanager
def bare_veths(cluster: Cluster, gateway_is_known: bool) -> Iterator[None]:
    """`gateway_is_known`: pods have its hardware address from the start, else they ask for it."""
    with contextlib.ExitStack() as stack:
        stack.callback(cluster.host_ips.clear)
        for node in NODES.values():
            stack.enter_context(_bare_node(cluster, node))
            # From the first device that has one (net/ipv4/devinet.c, inet_select_addr).
            cluster.host_ips[node.name] = node.address
            found = links(cluster.netns[node.netns])
            for pod in pods_of(cluster, node):
                mac = str(found[cluster.veths[pod.name]]["address"]) if gateway_is_known else None
                stack.enter_context(_repoint_pod(cluster.netns[pod.name], mac))
        yield
