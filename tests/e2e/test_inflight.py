"""Connections in flight live over whatever is done to the datapath: I1, I6, I7, I8."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from support.cluster.cluster import Cluster
from support.cluster.load import Load
from support.cluster.model import APP_PORT, EXTERNAL_ADDRESS, NODES, PODS, SERVICES
from support.cluster.traffic import Connection
from support.kernel_events import KernelEvents
from support.kernel_view import filter_table

A = NODES["a"]
HTTPBIN, SERVER, PLAIN_B = PODS["httpbin"], PODS["server"], PODS["plain-b"]


@pytest.fixture
def load(cluster: Cluster) -> Iterator[Load]:
    """One busy connection of each kind through node a; all must live to the end of the test."""
    with cluster.kube_proxy("iptables-nft"), Load() as busy:
        sleep, node = cluster.netns["sleep"], cluster.netns[A.netns]
        busy.add("ambient to ambient", sleep, (SERVER.address, APP_PORT))
        busy.add("ambient to service", sleep, SERVICES["server"].frontend)
        busy.add("plain to ambient", cluster.netns["plain-b"], (HTTPBIN.address, APP_PORT))
        busy.add("host to ambient", node, (HTTPBIN.address, APP_PORT))
        busy.add("plain to plain", cluster.netns["plain-a"], (PLAIN_B.address, APP_PORT))
        yield busy


@pytest.fixture
def masqueraded(cluster: Cluster, load: Load) -> Load:
    """One more, to outside the cluster: masqueraded by the node, so its life hangs on conntrack."""
    load.add("ambient to outside", cluster.netns["sleep"], (EXTERNAL_ADDRESS, 80))
    return load


def set_dns_capture(cluster: Cluster, on: bool) -> None:
    """Changes a rule of the node's filter: what makes the agent write it anew."""
    netns = cluster.netns[A.netns]
    with KernelEvents(netns) as events:
        cluster.store.states["zt-a"].dns_capture = on
        cluster.store.write()
        events.wait_until(
            lambda: ("udp dport 53" in filter_table(netns)) == on, f"DNS capture {on}"
        )


def test_i1_filter_replaced_three_times(cluster: Cluster, masqueraded: Load) -> None:
    for on in (False, True, False, True):
        set_dns_capture(cluster, on)
        masqueraded.check()


def test_i6_agent_restarted(cluster: Cluster, masqueraded: Load) -> None:
    agent = cluster.datapath.agents["a"]
    agent.stop()
    masqueraded.check()
    agent.start()
    agent.wait_serving()
    masqueraded.check()


def test_i7_agent_killed(cluster: Cluster, masqueraded: Load) -> None:
    agent = cluster.datapath.agents["a"]
    agent.kill()
    masqueraded.check()
    agent.start()
    agent.wait_serving()
    masqueraded.check()


def test_i8_conntrack_flushed(cluster: Cluster) -> None:
    """Between two rounds: the connections stand, and what they are is in no table any more."""
    node, sleep = cluster.netns[A.netns], cluster.netns["sleep"]
    with cluster.kube_proxy("iptables-nft"), contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(connection)
            for connection in (
                Connection(sleep, (SERVER.address, APP_PORT)),
                Connection(sleep, SERVICES["server"].frontend),
                Connection(cluster.netns["plain-b"], (HTTPBIN.address, APP_PORT)),
                Connection(node, (HTTPBIN.address, APP_PORT)),
            )
        ]
        for _ in range(3):
            for connection in connections:
                connection.round()
            node.command("conntrack", "-F")
        for connection in connections:
            connection.round()
