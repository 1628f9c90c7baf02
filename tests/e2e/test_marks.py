"""The marks that carry a captured connection: first packet by Geneve, all that follow by connection
state."""

from __future__ import annotations

from support.cluster.cluster import Cluster
from support.cluster.marks import Mark, MarkProbe
from support.cluster.model import APP_PORT, NODES, PODS

SLEEP, SERVER, PLAIN_B = PODS["sleep"], PODS["server"], PODS["plain-b"]
A, B = NODES["a"], NODES["b"]


def test_outgoing_connection(cluster: Cluster) -> None:
    source, target = SLEEP.address, PLAIN_B.address
    on_node = [
        Mark(0x100, 0x300, source, target),  # captured: into istioout
        Mark(0x40, 0x340, source, target),  # what follows: back to ztunnel
        Mark(0x210, 0x230, source, target),  # ztunnel's own connection in the pod's name
        Mark(0x210, 0x230, target, source),  # its answers to the pod
        Mark(0x40, 0x340, target, source),  # what the server answers it
    ]
    in_ztunnel = [Mark(0x400, 0xFFF, source, target), Mark(0x4D3, 0xFFF, source, target)]
    with (
        MarkProbe(cluster.netns[A.netns], on_node) as node,
        MarkProbe(cluster.netns["zt-a"], in_ztunnel) as zt,
    ):
        cluster.exchange("sleep", (target, APP_PORT))
        captured, followed, own, answers, answered = node.counts()
        taken, accepted = zt.counts()
    assert captured == taken == 1  # only the SYN
    assert min(followed, own, answers, answered, accepted) > 1


def test_incoming_connection(cluster: Cluster) -> None:
    source, target = PODS["plain-a"].address, SERVER.address
    on_node = [
        Mark(0x40, 0x340, source, target),
        Mark(0x210, 0x230, target, source),
        Mark(0x210, 0x230, source, target),
        Mark(
            0x100, 0x300, target, source
        ),  # the pod answers a connection of ztunnel: never captured
    ]
    with MarkProbe(cluster.netns[B.netns], on_node) as node:
        cluster.exchange("plain-a", (target, APP_PORT))
        followed, answers, own, captured = node.counts()
    assert min(followed, answers, own) > 1
    assert captured == 0
