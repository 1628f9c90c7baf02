"""Agents that stop, restart, die in the middle of an apply, and leave for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.agent import Agent
from support.cluster.cluster import Cluster
from support.cluster.datapath import Product
from support.cluster.model import APP_PORT, NODES, PODS
from support.cluster.traffic import exchange
from support.kernel_events import KernelEvents
from support.kernel_view import (
    LOOSE_REVERSE_PATH,
    filter_table,
    links,
    reverse_path,
    routes,
    rules,
    snapshot,
)

B = NODES["b"]
SERVER = PODS["server"]
TO_SERVER = (SERVER.address, APP_PORT)
SHORT = 2.0
DEATHS = (1, 2, 4, 7, 11, 16, 22)  # after how many kernel events of its apply the agent is killed


@pytest.fixture
def agent(cluster: Cluster) -> Iterator[Agent]:
    """The agent of node b, running again at the end."""
    agent = cluster.datapath.agents["b"]
    yield agent
    if not agent.running:
        agent.start()
    agent.wait_serving()
    wait_whole(cluster)


def wait_whole(cluster: Cluster) -> None:
    Product.wait_programmed(cluster, B)
    with KernelEvents(cluster.netns[B.netns]) as events:
        events.wait_until(lambda: cluster.is_enrolled(SERVER), "server enrolled")


def assert_captured(cluster: Cluster) -> None:
    """Into the node's ambient pod by HBONE, and out of it."""
    cluster.exchange("sleep", TO_SERVER)
    seen = cluster.exchange("server", (PODS["plain-b"].address, APP_PORT))
    cluster.record("zt-b", seen.client, listener=15001)


def test_stopped_agent_leaves_the_datapath(cluster: Cluster, agent: Agent) -> None:
    namespaces = [cluster.netns[B.netns], cluster.netns["zt-b"]]
    before = [snapshot(netns) for netns in namespaces]
    agent.stop()
    assert [snapshot(netns) for netns in namespaces] == before
    assert_captured(cluster)


def test_restarted_agent_adopts_without_touching(cluster: Cluster, agent: Agent) -> None:
    agent.stop()
    with (
        KernelEvents(cluster.netns[B.netns]) as node,
        KernelEvents(cluster.netns["zt-b"]) as ztunnel,
    ):
        agent.start()
        agent.wait_ready()
        assert not node.wait(0), "the node's kernel state was written"
        assert not ztunnel.wait(0), "the ztunnel's kernel state was written"
    assert_captured(cluster)


def test_u9_restarted_agent_compares_the_kernel(cluster: Cluster, agent: Agent) -> None:
    netns = cluster.netns[B.netns]
    agent.stop()
    netns.command("nft", "delete", "element", "inet", "ambient", "pods4", f"{{ {SERVER.address} }}")
    netns.ip(f"route del {SERVER.address} table 100")
    agent.start()
    wait_whole(cluster)
    assert_captured(cluster)


def assert_nothing_of_ours(cluster: Cluster) -> None:
    node, ztunnel = cluster.netns[B.netns], cluster.netns["zt-b"]
    assert not {"istioin", "istioout"} & links(node).keys()
    assert not {"pistioin", "pistioout"} & links(ztunnel).keys()
    assert filter_table(node) == filter_table(ztunnel) == ""
    assert all(routes(node, table) == [] for table in (100, 101, 102))
    assert routes(ztunnel, 100) == []
    for netns in (node, ztunnel):
        assert [line.split(":")[0] for line in rules(netns)] == ["0", "32766", "32767"]
        for device in links(netns):
            assert reverse_path(netns, device) != LOOSE_REVERSE_PATH, device


def test_uninstall_removes_exactly_ours(cluster: Cluster, agent: Agent) -> None:
    node, ztunnel = cluster.netns[B.netns], cluster.netns["zt-b"]
    agent.stop()
    agent.uninstall()
    assert_nothing_of_ours(cluster)
    node.nft("""
table inet foreign {
  chain c {
    type filter hook prerouting priority -150
    counter
  }
}
""")
    node.ip(
        "rule add priority 99 fwmark 0x10000/0x10000 lookup 99",
        "route add 198.51.100.0/24 dev other0 table 99",
    )
    try:
        clean = [snapshot(node), snapshot(ztunnel)]
        agent.start()
        wait_whole(cluster)
        assert_captured(cluster)
        agent.stop()
        agent.uninstall()
        assert [snapshot(node), snapshot(ztunnel)] == clean
        assert cluster.exchange("sleep-sc", TO_SERVER).server_peer[0] == PODS["sleep-sc"].address
        agent.uninstall()  # nothing left to do is no failure
        assert [snapshot(node), snapshot(ztunnel)] == clean
    finally:
        node.command("nft", "delete", "table", "inet", "foreign")
        node.ip("rule del priority 99", "route del 198.51.100.0/24 table 99")


@pytest.mark.parametrize("events_seen", DEATHS)
def test_killed_in_an_apply_converges(cluster: Cluster, agent: Agent, events_seen: int) -> None:
    agent.stop()
    agent.uninstall()
    with KernelEvents(cluster.netns[B.netns]) as events:
        agent.start()
        events.wait_count(events_seen, timeout=20)
        agent.kill()
    agent.start()
    wait_whole(cluster)
    assert_captured(cluster)
    agent.stop()
    agent.uninstall()  # what died agents left is ours too
    assert_nothing_of_ours(cluster)


def test_u13_conflict_is_refused_before_any_write(cluster: Cluster, agent: Agent) -> None:
    node = cluster.netns[B.netns]
    agent.stop()
    agent.uninstall()
    node.ip("link add istioout type dummy")
    try:
        before = snapshot(node)
        done = agent.once()
        assert done.returncode != 0
        assert "istioout" in done.stdout + done.stderr
        assert snapshot(node) == before
    finally:
        node.ip("link del istioout")


def test_u17_src_valid_mark_is_refused_by_name(cluster: Cluster, agent: Agent) -> None:
    """With it the kernel asks for senders by our marks, and drops what captured pods send."""
    node, key = cluster.netns[B.netns], "ipv4/conf/all/src_valid_mark"
    to_plain = (PODS["plain-a"].address, APP_PORT)
    agent.stop()
    node.sysctl(key, 1)
    try:
        with pytest.raises(OSError):
            exchange(cluster.netns["server"], to_plain, timeout=SHORT)
        done = agent.once()
        assert done.returncode == 1
        assert f"set to 0 the sysctl net/{key}" in done.stdout + done.stderr
    finally:
        node.sysctl(key, 0)
    assert agent.once().returncode == 0
    assert_captured(cluster)
