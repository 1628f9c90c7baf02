"""CONTRACT U15: what is captured never leaves in clear text, whatever of ours somebody takes away."""

from __future__ import annotations

import pytest

from support.cluster.cluster import Cluster
from support.cluster.model import APP_PORT, NODES, PODS
from support.cluster.traffic import exchange
from support.kernel_events import KernelEvents
from support.kernel_view import routes, rules
from support.netns import Netns

A = NODES["a"]
OUT = ("sleep", PODS["server"].address)
IN = ("plain-b", PODS["httpbin"].address)
OUR_TABLES = (100, 101, 102)
SHORT = 2.0


def ways(netns: Netns) -> tuple[list[str], list[str]]:
    return rules(netns), sorted(line for table in OUR_TABLES for line in routes(netns, table))


@pytest.mark.parametrize(
    ("change", "flow"),
    [
        ("link set istioout down", OUT),
        ("rule del pref 101", OUT),
        ("route del default via 192.168.127.2 table 101", OUT),
        ("link set istioin down", IN),
        ("rule del pref 103", IN),
        (f"route del {PODS['httpbin'].address} table 100", IN),
    ],
)
def test_u15_nothing_passes_in_clear_text(
    cluster: Cluster, change: str, flow: tuple[str, str]
) -> None:
    """Uncovered, the connection would be made: both ends speak plain text."""
    netns, (client, server) = cluster.netns[A.netns], flow
    before = ways(netns)
    with KernelEvents(netns) as events:
        with cluster.datapath.frozen(cluster, A):
            netns.ip(change)
            with pytest.raises(OSError):
                exchange(cluster.netns[client], (server, APP_PORT), timeout=SHORT)
        events.wait_until(lambda: ways(netns) == before, "ways repaired")
    cluster.exchange(client, (server, APP_PORT))
