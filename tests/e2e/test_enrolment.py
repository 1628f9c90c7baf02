"""A running pod enters and leaves the mesh by its namespace's label; a new pod by CNI ADD. I2 to
I5."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.cluster.cluster import Cluster
from support.cluster.hops import assert_not_captured
from support.cluster.load import Load
from support.cluster.model import APP_PORT, NODES, PODS

MOVER, PLAIN_B = PODS["mover"], PODS["plain-b"]
A = NODES["a"]
TO_MOVER, TO_PLAIN = (MOVER.address, APP_PORT), (PLAIN_B.address, APP_PORT)


@pytest.fixture(autouse=True)
def outside_at_first(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.set_ambient("moving", False)


def assert_new_connections_captured(cluster: Cluster) -> None:
    outgoing = cluster.exchange("mover", TO_PLAIN)
    cluster.record("zt-a", outgoing.client, listener=15001)
    incoming = cluster.exchange("plain-b", TO_MOVER)
    cluster.record("zt-a", incoming.client, listener=15006)


def assert_new_connections_not_captured(cluster: Cluster) -> None:
    with cluster.capture(A.netns, "zt-a") as capture:
        assert cluster.exchange("mover", TO_PLAIN).server_peer[0] == MOVER.address
        assert cluster.exchange("plain-b", TO_MOVER).server_peer[0] == PLAIN_B.address
    assert_not_captured(capture)


def start_load(cluster: Cluster, load: Load) -> None:
    """Connections both ways and from the host, open before the change and busy over it."""
    load.add("outgoing", cluster.netns["mover"], TO_PLAIN)
    load.add("incoming", cluster.netns["plain-b"], TO_MOVER)
    load.add("from the host", cluster.netns[A.netns], TO_MOVER)


def test_i2_i3_connections_live_over_enrolment(cluster: Cluster) -> None:
    assert_new_connections_not_captured(cluster)
    with Load() as load:
        start_load(cluster, load)
        cluster.set_ambient("moving", True)
        load.check()
        assert_new_connections_captured(cluster)


def test_i4_i5_connections_live_over_unenrolment(cluster: Cluster) -> None:
    cluster.set_ambient("moving", True)
    with Load() as load:
        start_load(cluster, load)
        assert_new_connections_captured(cluster)
        cluster.set_ambient("moving", False)
        load.check()
        assert_new_connections_not_captured(cluster)


def test_in_and_out_and_in_again(cluster: Cluster) -> None:
    with Load() as load:
        start_load(cluster, load)
        for _ in range(2):
            cluster.set_ambient("moving", True)
            assert_new_connections_captured(cluster)
            cluster.set_ambient("moving", False)
            assert_new_connections_not_captured(cluster)
