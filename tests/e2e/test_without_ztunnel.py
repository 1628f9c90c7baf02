"""No ztunnel is ready: new connections do what their namespace says, the others go on as they were."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from support.cluster.cluster import Cluster
from support.cluster.hops import assert_not_captured
from support.cluster.load import Load
from support.cluster.model import APP_PORT, NODES, PODS
from support.kernel_events import KernelEvents
from support.kernel_view import filter_table

A = NODES["a"]
SLEEP, HTTPBIN, PLAIN_B = PODS["sleep"], PODS["httpbin"], PODS["plain-b"]
TO_PLAIN, TO_HTTPBIN = (PLAIN_B.address, APP_PORT), (HTTPBIN.address, APP_PORT)
ANNOTATION = "ambient-cni.dev/without-ztunnel"


@contextlib.contextmanager
def without_ztunnel(cluster: Cluster) -> Iterator[None]:
    """The objects say that node a's is not ready; it still runs, and holds what it held."""

    def set_ready(ready: bool) -> None:
        netns = cluster.netns[A.netns]
        with KernelEvents(netns) as events:
            cluster.store.states["zt-a"].ready = ready
            cluster.store.write()
            events.wait_until(
                lambda: ("@pods4_bypass" in filter_table(netns)) != ready, f"ztunnel ready: {ready}"
            )

    set_ready(False)
    try:
        yield
    finally:
        set_ready(True)


@pytest.fixture
def choice(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[str]:
    cluster.store.annotations["mesh"] = {ANNOTATION: request.param}
    cluster.store.write()
    yield request.param
    del cluster.store.annotations["mesh"]
    cluster.store.write()


def start_load(cluster: Cluster, load: Load) -> None:
    load.add("outbound", cluster.netns["sleep"], TO_PLAIN)
    load.add("inbound", cluster.netns["plain-b"], TO_HTTPBIN)


@pytest.mark.parametrize("choice", ["bypass"], indirect=True)
def test_bypass_moves_new_connections_only(cluster: Cluster, choice: str) -> None:
    with Load() as held, Load() as outside:
        start_load(cluster, held)
        with without_ztunnel(cluster):
            with cluster.capture(A.netns, "zt-a") as capture:
                start_load(cluster, outside)
                assert cluster.exchange("sleep", TO_PLAIN).server_peer[0] == SLEEP.address
                assert cluster.exchange("plain-b", TO_HTTPBIN).server_peer[0] == PLAIN_B.address
            assert_not_captured(capture)
            held.check()
        held.check()
        outside.check()
        seen = cluster.exchange("sleep", TO_PLAIN)
        cluster.record("zt-a", seen.client, listener=15001)


@pytest.mark.parametrize("choice", ["reset"], indirect=True)
def test_reset_refuses_at_once(cluster: Cluster, choice: str) -> None:
    with Load() as held:
        start_load(cluster, held)
        with without_ztunnel(cluster):
            for client, destination in (("sleep", TO_PLAIN), ("plain-b", TO_HTTPBIN)):
                with pytest.raises(ConnectionRefusedError):
                    cluster.exchange(client, destination)
            held.check()


def test_by_default_they_go_where_they_went(cluster: Cluster) -> None:
    """To the last ztunnel: nothing is in clear text."""
    with without_ztunnel(cluster):
        seen = cluster.exchange("sleep", TO_PLAIN)
        cluster.record("zt-a", seen.client, listener=15001)
