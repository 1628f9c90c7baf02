"""A newer ztunnel takes over and leaves again: new connections follow it, at no moment is a pod's
traffic let past. What a ztunnel holds no longer is reset."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from support.cluster.capture import Capture
from support.cluster.cluster import Cluster
from support.cluster.load import Load
from support.cluster.model import APP_PORT, NODES, PODS, Pod
from support.cluster.rollout import Rollout
from support.cluster.traffic import Connection
from support.netns import Netns

A = NODES["a"]
SLEEP, HTTPBIN, PLAIN_B = PODS["sleep"], PODS["httpbin"], PODS["plain-b"]
TO_PLAIN = (PLAIN_B.address, APP_PORT)


@pytest.fixture
def rollout(cluster: Cluster) -> Iterator[Rollout]:
    with Rollout(cluster) as running:
        yield running


class Opener:
    """Opens one connection after the other while it lasts. Those that a change catches half-way may
    fail."""

    def __init__(self, client: Netns) -> None:
        self._client = client
        self._ending = threading.Event()
        self._opened = threading.Condition()
        self._count = 0
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        while not self._ending.is_set():
            with (
                contextlib.suppress(OSError),
                Connection(self._client, TO_PLAIN, timeout=10) as connection,
            ):
                connection.round(1000, 1000)
                with self._opened:
                    self._count += 1
                    self._opened.notify_all()

    def wait_more(self, count: int) -> None:
        with self._opened:
            wanted = self._count + count
            assert self._opened.wait_for(
                lambda: self._count >= wanted, timeout=60
            ), "connections fail"

    def __enter__(self) -> Opener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()


def assert_nothing_let_past(cluster: Cluster, capture: Capture, pod: Pod = SLEEP) -> None:
    """Packets of what the pod opens, known by their source ports, never leave the node: ztunnel's have
    ports of their own."""
    ports = {
        p.sport
        for p in capture.packets()
        if p.device == cluster.veths[pod.name] and not p.out and p.src == pod.address and p.is_syn
    }
    assert len(ports) > 5
    past = [
        str(p)
        for p in capture.packets()
        if p.device == "eth0" and p.src == pod.address and p.sport in ports
    ]
    assert not past, "\n".join(past)


@contextlib.contextmanager
def silenced(netns: Netns) -> Iterator[None]:
    """Nothing that the namespace's own sockets say leaves it."""
    netns.nft(
        "table inet silenced { chain output { type filter hook output priority 0; policy drop; }; }"
    )
    yield
    netns.nft("delete table inet silenced")


def test_a_segment_that_no_socket_takes_is_reset(cluster: Cluster) -> None:
    """As after a crash of ztunnel: it holds connections no longer, and nobody was told."""
    ztunnel = cluster.netns["zt-a"]
    with cluster.connect("sleep", TO_PLAIN) as connection:
        connection.round(1000, 1000)
        with silenced(ztunnel):
            ztunnel.command("ss", "--kill", "--tcp", "state", "established")
        with pytest.raises(ConnectionResetError):
            connection.round(1000, 1000)


def test_newer_ztunnel_takes_over_and_leaves(cluster: Cluster, rollout: Rollout) -> None:
    node, sleep = cluster.netns[A.netns], cluster.netns["sleep"]
    newer = rollout.start()
    with (
        Load() as load,
        Capture([node]) as capture,
        Opener(sleep) as opener,
    ):
        load.add("host to ambient", node, (HTTPBIN.address, APP_PORT))
        opener.wait_more(3)
        rollout.ready(newer)
        opener.wait_more(3)
        seen = cluster.exchange("sleep", TO_PLAIN)
        cluster.record(newer.name, seen.client, listener=15001)
        rollout.forget(newer)
        opener.wait_more(3)
        seen = cluster.exchange("sleep", TO_PLAIN)
        cluster.record("zt-a", seen.client, listener=15001)
    assert_nothing_let_past(cluster, capture)
