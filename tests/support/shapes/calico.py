"""Calico's shape: Felix' settings of pods' veths, and its check of what pods send."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from support.cluster.cluster import Cluster
from support.cluster.model import NODES, Node
from support.netns import Netns
from support.shapes.bare_veths import bare_veths, pods_of

# felix/dataplane/linux/endpoint_mgr.go, configureInterface. A proxy_delay would hold answers back.
VETH_SYSCTLS = {
    "ipv4/conf/{}/rp_filter": 1,
    "ipv4/conf/{}/proxy_arp": 1,
    "ipv4/neigh/{}/proxy_delay": 0,
    "ipv4/conf/{}/route_localnet": 1,
}
# felix/rules/static.go, StaticRawPreroutingChain and RPFilter, with Felix' default mark bits.
RAW = """*raw
:cali-PREROUTING - [0:0]
-A PREROUTING -j cali-PREROUTING
-A cali-PREROUTING -j MARK --set-xmark 0x0/0xf0000
-A cali-PREROUTING -i veth+ -j MARK --set-xmark 0x40000/0x40000
-A cali-PREROUTING -m mark --mark 0x40000/0x40000 -m rpfilter --validmark --invert -j DROP
COMMIT
"""


class Calico:
    """Every pod is checked, ztunnel too: no `workloadSourceSpoofing`, no `allowedSourcePrefixes`."""

    @contextlib.contextmanager
    def on(self, cluster: Cluster) -> Iterator[None]:
        with bare_veths(cluster, gateway_is_known=False), contextlib.ExitStack() as stack:
            for node in NODES.values():
                netns = cluster.netns[node.netns]
                for pod in pods_of(cluster, node):
                    stack.enter_context(_felix_sysctls(netns, cluster.veths[pod.name]))
                netns.command("iptables-nft-restore", "--noflush", stdin=RAW)
                stack.callback(netns.command, "nft", "delete", "table", "ip", "raw")
            yield

    def dropped(self, cluster: Cluster, node: Node) -> int:
        listing = cluster.netns[node.netns].command(
            "iptables-nft", "-t", "raw", "-nvxL", "cali-PREROUTING"
        )
        return int(next(line for line in listing.splitlines() if " DROP " in line).split()[0])


@contextlib.contextmanager
def _felix_sysctls(netns: Netns, veth: str) -> Iterator[None]:
    before = {key: netns.sysctl(key.format(veth)) for key in VETH_SYSCTLS}
    for key, value in VETH_SYSCTLS.items():
        netns.sysctl(key.format(veth), value)
    try:
        yield
    finally:
        for key, value in before.items():
            netns.sysctl(key.format(veth), value)
