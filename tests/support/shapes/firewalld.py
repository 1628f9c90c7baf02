"""firewalld beside ptp: it drops what comes by another device than the way back to its sender."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from support.cluster.cluster import Cluster
from support.cluster.model import NODES, Node

# src/firewall/core/nftables.py, build_rpfilter_rules: for IPv6 there, here for both families, and in
# both places where it has stood. `mark`: the way back is asked for with the packet's mark.
CHECK = """
    icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
    fib saddr . mark . iif oif missing counter name forged drop
"""
TABLE = f"""
table inet firewalld {{
  counter forged {{ }}
  chain mangle_PREROUTING {{
    type filter hook prerouting priority mangle + 10
    {CHECK}
  }}
  chain filter_PREROUTING {{
    type filter hook prerouting priority filter + 10
    {CHECK}
  }}
}}
"""


class Firewalld:
    @contextlib.contextmanager
    def on(self, cluster: Cluster) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for node in NODES.values():
                netns = cluster.netns[node.netns]
                netns.nft(TABLE)
                stack.callback(netns.command, "nft", "delete", "table", "inet", "firewalld")
            yield

    def dropped(self, cluster: Cluster, node: Node) -> int:
        listing = cluster.netns[node.netns].command(
            "nft", "list", "counter", "inet", "firewalld", "forged"
        )
        return int(listing.split("packets ")[1].split()[0])
