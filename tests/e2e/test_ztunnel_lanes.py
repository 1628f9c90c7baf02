"""Ztunnels that follow one another: each keeps the connections that it holds until it ends, and
then their both sides are told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from support.cluster.cluster import Cluster
from support.cluster.load import Load
from support.cluster.model import APP_PORT, NODES, PODS, SERVICES, Pod
from support.cluster.rollout import FIRST, Rollout
from support.cluster.traffic import Address, Connection
from support.netns import Netns

A, B = NODES["a"], NODES["b"]
SLEEP, HTTPBIN, SERVER, PLAIN_B = (PODS[n] for n in ("sleep", "httpbin", "server", "plain-b"))
TO_PLAIN = (PLAIN_B.address, APP_PORT)
IDLE = 2  # of each kind, on each ztunnel


@pytest.fixture(autouse=True)
def kube_proxy(cluster: Cluster) -> Iterator[None]:
    with cluster.kube_proxy("iptables-nft"):
        yield


@pytest.fixture
def rollout(cluster: Cluster) -> Iterator[Rollout]:
    with Rollout(cluster) as running:
        yield running


def kinds(cluster: Cluster) -> dict[str, tuple[Netns, Address]]:
    """One of each kind that node a's ztunnel holds."""
    sleep, to_httpbin = cluster.netns["sleep"], (HTTPBIN.address, APP_PORT)
    return {
        "outbound": (sleep, TO_PLAIN),
        "outbound by HBONE": (sleep, (SERVER.address, APP_PORT)),
        "service": (sleep, SERVICES["plain-b"].frontend),
        "inbound plaintext": (cluster.netns["plain-b"], to_httpbin),
        "inbound HBONE": (cluster.netns["server"], to_httpbin),
        "host of another node": (cluster.netns[B.netns], to_httpbin),
    }


class Held:
    """Connections of each kind, which live until the end: idle ones, and of some kinds a busy one."""

    def __init__(
        self, cluster: Cluster, stack: contextlib.ExitStack, busy: tuple[str, ...] = ()
    ) -> None:
        self._load = stack.enter_context(Load())
        self._idle: list[Connection] = []
        for name, (client, destination) in kinds(cluster).items():
            if name in busy:
                self._load.add(name, client, destination)
            for _ in range(IDLE):
                idle = stack.enter_context(Connection(client, destination))
                idle.round(1000, 1000)
                self._idle.append(idle)

    def check(self) -> None:
        """The busy ones move on; each idle one still does."""
        self._load.check()
        for idle in self._idle:
            idle.round(1000, 1000)


class ClearText:
    """Context manager: nothing may leave node a in an ambient pod's name, or reach one, that is not of
    a connection which ztunnel holds (conntrack 0x210). The node's own packets are not meant."""

    def __init__(self, cluster: Cluster) -> None:
        self._node = cluster.netns[A.netns]
        self._veths = ", ".join(f'"{cluster.veths[pod.name]}"' for pod in (SLEEP, HTTPBIN))

    def __enter__(self) -> None:
        not_held = "meta l4proto tcp ct mark & 0x210 != 0x210 counter name past"
        self._node.nft(
            "table inet clear_text {\n counter past { }\n chain forward {\n"
            "  type filter hook forward priority 301\n"
            f'  oifname "eth0" ip saddr {{ {SLEEP.address}, {HTTPBIN.address} }} {not_held}\n'
            f"  oifname {{ {self._veths} }} {not_held}\n }}\n}}\n"
        )

    def __exit__(self, *_: object) -> None:
        counted = self._node.command("nft", "list", "counter", "inet", "clear_text", "past")
        self._node.nft("delete table inet clear_text")
        assert "packets 0 " in counted, counted


def assert_taken_by(cluster: Cluster, ztunnel: Pod) -> None:
    seen = cluster.exchange("sleep", TO_PLAIN)
    cluster.record(ztunnel.name, seen.client, listener=15001)


def test_three_rollouts_in_one_grace_period(cluster: Cluster, rollout: Rollout) -> None:
    """Four ztunnels at once, each with connections; the agent is restarted and killed meanwhile."""
    agent = cluster.datapath.agents["a"]
    with ClearText(cluster), contextlib.ExitStack() as stack:
        held = [Held(cluster, stack, busy=tuple(kinds(cluster)))]
        for end in (agent.stop, agent.kill, agent.stop):
            newer = rollout.start()
            rollout.ready(newer)
            assert_taken_by(cluster, newer)
            held.append(Held(cluster, stack))
            end()
            for one in held:
                one.check()
            agent.start()
            agent.wait_serving()
            for one in held:
                one.check()
        assert_taken_by(cluster, newer)


def test_a_ztunnel_that_vanishes_leaves_nobody_waiting(cluster: Cluster, rollout: Rollout) -> None:
    """Both sides of what it held are reset when they send; nothing else is touched."""
    newer = rollout.start()
    rollout.ready(newer)
    with ClearText(cluster), contextlib.ExitStack() as stack:
        lost = {
            name: stack.enter_context(Connection(client, destination))
            for name, (client, destination) in kinds(cluster).items()
        }
        for connection in lost.values():
            connection.round(1000, 1000)
        rollout.forget(newer)
        assert rollout.lane_of(newer) is not None
        for connection in lost.values():  # its object is gone, it is not
            connection.round(1000, 1000)
        stays = Held(cluster, stack, busy=("outbound", "inbound plaintext"))
        rollout.vanish(newer)
        for name in ("outbound", "service", "inbound plaintext", "host of another node"):
            with pytest.raises(ConnectionResetError):
                lost[name].round(1000, 1000)
        stays.check()
        assert_taken_by(cluster, FIRST)
