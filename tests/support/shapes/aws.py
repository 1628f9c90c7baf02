"""AWS VPC CNI's shape: two uplinks a node, a policy rule a pod in each direction, and connection marks
that keep node ports and the internet on the first uplink."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from support.cluster.cluster import Cluster
from support.cluster.model import NODES, PODS, UNDERLAY, UNDERLAY_ADDRESS, Node, Pod
from support.shapes.bare_veths import bare_veths, pods_of

# Both uplinks carry pods of and outside the mesh, and ztunnels.
SECOND_UPLINK_PODS = [PODS[name] for name in ("zt-a", "sleep", "httpbin", "mover", "server", "waypoint")]
SECOND_GATEWAY = "172.20.0.1"
SECOND_TABLE = 2
VPC = "10.244.0.0/16, 172.18.0.0/16, 172.20.0.0/16"
LOOSE = 2


def _second_address(node: Node) -> str:
    return f"172.20.0.{node.number + 1}"


def _second_mac(node: Node) -> str:
    return f"02:00:00:00:02:{node.number:02x}"


def _rules(node: Node) -> str:
    """pkg/networkutils/network.go, updateHostIptablesRules; as nft, since the tests' kube-proxy takes
    the iptables tables for its own. Behind kube-proxy, which puts itself first."""
    restore = """
    ct mark & 0x80 == 0x80 meta mark set meta mark | 0x80
    ct mark & 0x80 == 0x0 meta mark set meta mark & 0xffffff7f"""
    return f"""
table ip aws {{
  chain on_first_uplink {{{restore}
  }}
  chain mangle {{
    type filter hook prerouting priority mangle
    iifname "eth0" fib daddr . iif type local ct mark set ct mark | 0x80
    iifname "veth*" jump on_first_uplink
  }}
  chain outbound {{
    type nat hook prerouting priority dstnat + 1
    iifname "veth*" ip daddr != {{ {VPC} }} ct mark set ct mark | 0x80
    jump on_first_uplink
  }}
  chain outside {{
    type nat hook postrouting priority srcnat + 1
    ip daddr != {{ {VPC} }} fib daddr type != local snat to {node.address} fully-random
  }}
}}
"""


class Aws:
    @contextlib.contextmanager
    def on(self, cluster: Cluster) -> Iterator[None]:
        with bare_veths(cluster, gateway_is_known=True), contextlib.ExitStack() as stack:
            stack.enter_context(_second_network(cluster))
            for node in NODES.values():
                stack.enter_context(_node(cluster, node))
            stack.callback(cluster.uplinks.clear)
            cluster.uplinks.update({pod.address: "eth1" for pod in SECOND_UPLINK_PODS})
            yield

    def dropped(self, cluster: Cluster, node: Node) -> int:
        """By the kernel's own filter, which is strict on the nodes (topology.py)."""
        listing = cluster.netns[node.netns].command("nstat", "-asz", "TcpExtIPReversePathFilter")
        return int(listing.split()[-2])


@contextlib.contextmanager
def _second_network(cluster: Cluster) -> Iterator[None]:
    """The underlay is the VPC's router: it knows which uplink has a pod's address, and the uplink's
    hardware address without asking (a node that is asked by its second uplink does not answer). The bridge
    has an address of its own: else it takes its ports' lowest, and with each change the kernel forgets its
    neighbours, permanent ones, too (net/core/neighbour.c, neigh_changeaddr)."""
    underlay = cluster.netns[UNDERLAY]
    forwarding = underlay.sysctl("ipv4/ip_forward")
    underlay.sysctl("ipv4/ip_forward", 1)
    ways = [
        *(f"{node.pod_cidr} via {node.address}" for node in NODES.values()),
        *(f"{pod.address} via {_second_address(NODES[pod.node])}" for pod in SECOND_UPLINK_PODS),
    ]
    underlay.ip(
        "link add br1 address 02:00:00:00:02:fe type bridge",
        f"addr add {SECOND_GATEWAY}/24 dev br1",
        "link set br1 up",
        *(
            line
            for node in NODES.values()
            for line in (
                f"link add second-{node.name} type veth peer name eth1 address {_second_mac(node)} "
                f"netns {node.netns}",
                f"link set second-{node.name} master br1 up",
                f"neigh add {_second_address(node)} lladdr {_second_mac(node)} dev br1 nud permanent",
            )
        ),
        *(f"route add {way}" for way in ways),
    )
    try:
        yield
    finally:
        underlay.ip(
            *(f"route del {way}" for way in ways),
            *(f"link del second-{node.name}" for node in NODES.values()),
            "link del br1",
        )
        underlay.sysctl("ipv4/ip_forward", forwarding)


def _rule_lines(pods: list[Pod]) -> list[str]:
    return [
        *(f"pref 512 to {pod.address} lookup main" for pod in pods),
        "pref 1024 fwmark 0x80/0x80 lookup main",
        *(
            f"pref 1536 from {pod.address} lookup {SECOND_TABLE}"
            for pod in pods
            if pod in SECOND_UPLINK_PODS
        ),
    ]


@contextlib.contextmanager
def _node(cluster: Cluster, node: Node) -> Iterator[None]:
    netns = cluster.netns[node.netns]
    rules = _rule_lines(pods_of(cluster, node))
    elsewhere = [
        f"{pod.address} via {UNDERLAY_ADDRESS}"
        for pod in SECOND_UPLINK_PODS
        if pod.node != node.name
    ]
    netns.ip(
        f"addr add {_second_address(node)}/24 dev eth1 noprefixroute",
        "link set eth1 up",
        f"route add {SECOND_GATEWAY} dev eth1 table {SECOND_TABLE}",
        f"route add default via {SECOND_GATEWAY} dev eth1 table {SECOND_TABLE}",
        *(f"route add {way}" for way in elsewhere),
        *(f"rule add {rule}" for rule in rules),
    )
    strict = netns.sysctl("ipv4/conf/eth0/rp_filter")
    netns.sysctl("ipv4/conf/eth0/rp_filter", LOOSE)  # setupHostNetwork: for node ports
    netns.nft(_rules(node))
    try:
        yield
    finally:
        netns.command("nft", "delete", "table", "ip", "aws")
        netns.sysctl("ipv4/conf/eth0/rp_filter", strict)
        netns.ip(
            *(f"rule del {rule}" for rule in rules), *(f"route del {way}" for way in elsewhere)
        )
