"""F9: only TCP is captured; UDP and ping pass as without us, both ways."""

from __future__ import annotations

import pytest

from support.cluster.cluster import Cluster
from support.cluster.datagrams import ping, udp_exchange
from support.cluster.hops import assert_not_captured
from support.cluster.model import NODES, PODS, UDP_PORT
from support.cluster.traffic import pattern

A, B = NODES["a"], NODES["b"]


@pytest.mark.parametrize("size", [20, 1472])
@pytest.mark.parametrize(
    ("client", "server"),
    [
        ("sleep", PODS["plain-b"].address),
        ("plain-a", PODS["server"].address),
        ("sleep", PODS["server"].address),
        ("sleep", A.address),
    ],
    ids=["ambient_to_plain", "plain_to_ambient", "ambient_to_ambient", "ambient_to_host_process"],
)
def test_f9_udp(cluster: Cluster, client: str, server: str, size: int) -> None:
    with cluster.capture(A.netns, B.netns, "zt-a", "zt-b") as capture:
        answer = udp_exchange(cluster.netns[client], (server, UDP_PORT), pattern(size))
    assert answer == pattern(size)
    assert_not_captured(capture)


@pytest.mark.parametrize(
    ("client", "target"),
    [
        ("sleep", PODS["plain-b"].address),
        ("plain-b", PODS["sleep"].address),
        ("sleep", PODS["server"].address),
        ("sleep", A.address),
        (A.netns, PODS["sleep"].address),
    ],
    ids=[
        "ambient_to_plain",
        "plain_to_ambient",
        "ambient_to_ambient",
        "ambient_to_host",
        "host_to_ambient",
    ],
)
def test_f9_ping(cluster: Cluster, client: str, target: str) -> None:
    with cluster.capture(A.netns, B.netns, "zt-a", "zt-b") as capture:
        assert ping(cluster.netns[client], target)
    assert_not_captured(capture)
