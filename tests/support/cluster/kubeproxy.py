"""What kube-proxy programs on a node, in each of its modes, and the pod masquerade of the node's
network (as kind has).

The rules are those of kube-proxy with one endpoint a service: mark for masquerade when the client
is no local pod, then DNAT; node ports on every address of the node.
"""

from __future__ import annotations

from collections.abc import Iterable

from support.cluster.model import Node, Service
from support.netns import Netns

MODES = ("iptables-legacy", "iptables-nft", "nftables")
CLUSTER_CIDRS = ("10.244.0.0/16", "10.96.0.0/16")


class KubeProxy:
    """One node's service rules in one mode."""

    def __init__(self, netns: Netns, node: Node, mode: str, services: Iterable[Service]) -> None:
        assert mode in MODES, mode
        self._netns = netns
        self._mode = mode
        self._services = list(services)
        self._node = node

    def install(self) -> None:
        if self._mode == "nftables":
            self._netns.nft(self._nftables())
        else:
            self._netns.command(f"{self._mode}-restore", stdin=self._iptables())

    def remove(self) -> None:
        """Takes everything away that install() made."""
        if self._mode == "nftables":
            self._netns.nft("table ip kube-proxy {}\ndelete table ip kube-proxy\n")
            return
        empty = [
            f":{chain} ACCEPT [0:0]" for chain in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")
        ]
        self._netns.command(
            f"{self._mode}-restore", stdin="\n".join(["*nat", *empty, "COMMIT", ""])
        )

    def _iptables(self) -> str:
        lines = [
            "*nat",
            *(
                f":{chain} - [0:0]"
                for chain in (
                    "KUBE-SERVICES",
                    "KUBE-NODEPORTS",
                    "KUBE-MARK-MASQ",
                    "KUBE-POSTROUTING",
                    "POD-MASQ",
                )
            ),
            "-A PREROUTING -j KUBE-SERVICES",
            "-A OUTPUT -j KUBE-SERVICES",
            "-A POSTROUTING -j KUBE-POSTROUTING",
            "-A POSTROUTING -m addrtype ! --dst-type LOCAL -j POD-MASQ",
            *(f"-A POD-MASQ -d {cidr} -j RETURN" for cidr in CLUSTER_CIDRS),
            "-A POD-MASQ -j MASQUERADE",
            "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
            "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
            "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
            "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
        ]
        for service in self._services:
            match = f"-d {service.address}/32 -p {service.protocol} --dport {service.port}"
            target = f"DNAT --to-destination {service.endpoint[0]}:{service.endpoint[1]}"
            lines.append(f"-A KUBE-SERVICES ! -s {self._node.pod_cidr} {match} -j KUBE-MARK-MASQ")
            lines.append(f"-A KUBE-SERVICES {match} -j {target}")
            if service.node_port is not None:
                port = f"-p {service.protocol} --dport {service.node_port}"
                lines.append(f"-A KUBE-NODEPORTS {port} -j KUBE-MARK-MASQ")
                lines.append(f"-A KUBE-NODEPORTS {port} -j {target}")
        lines.append("-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS")
        return "\n".join([*lines, "COMMIT", ""])

    def _nftables(self) -> str:
        services, ports = [], []
        for service in self._services:
            match = f"ip daddr {service.address} {service.protocol} dport {service.port}"
            target = f"dnat to {service.endpoint[0]}:{service.endpoint[1]}"
            services.append(
                f"ip saddr != {self._node.pod_cidr} {match} meta mark set meta mark or 0x4000"
            )
            services.append(f"{match} {target}")
            if service.node_port is not None:
                port = f"fib daddr type local {service.protocol} dport {service.node_port}"
                ports.append(f"{port} meta mark set meta mark or 0x4000")
                ports.append(f"{port} {target}")
        rules = "\n".join(services + ports)
        cluster = ", ".join(CLUSTER_CIDRS)
        return f"""
table ip kube-proxy {{
  chain services {{
    {rules}
  }}
  chain prerouting {{ type nat hook prerouting priority dstnat; jump services; }}
  chain output {{ type nat hook output priority -100; jump services; }}
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    meta mark & 0x4000 == 0x4000 meta mark set meta mark xor 0x4000 masquerade fully-random
    fib daddr type != local ip daddr != {{ {cluster} }} masquerade
  }}
}}
"""
