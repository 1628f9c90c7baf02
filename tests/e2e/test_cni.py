"""The plugin as libcni calls it on a live node: a pod is in the mesh when ADD returns, and out of
it after DEL."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from support.agent import Agent
from support.cluster.cluster import Cluster
from support.cluster.model import APP_PORT, NODES, PODS, Pod
from support.cluster.traffic import AppServer
from support.cni import run_plugin
from support.kernel_view import filter_table, routes
from support.netns import create, delete

A = NODES["a"]
LATE = Pod("late", "a", 16, "mesh", "ambient")
PLAIN_B = PODS["plain-b"]
LIMITED_CONNECTIVITY = 51  # the datapath is not whole: pods that run may suffer too


@pytest.fixture
def late(cluster: Cluster) -> Iterator[Pod]:
    """A pod that the objects know as pending, with a namespace, not attached."""
    delete([LATE.name])
    cluster.netns[LATE.name] = create([LATE.name])[0]
    cluster.store.add(LATE)
    cluster.store.write()
    yield LATE
    cluster.cni["a"].delete(LATE)
    cluster.store.remove(LATE.name)
    cluster.store.write()
    delete([LATE.name])
    del cluster.netns[LATE.name]


def traces(cluster: Cluster) -> list[str]:
    """Where the pod's address stands in what is ours."""
    netns = cluster.netns[A.netns]
    lines = [*filter_table(netns).splitlines(), *routes(netns, 100)]
    return [line.strip() for line in lines if LATE.address in line]


def test_pod_is_captured_when_add_returns(cluster: Cluster, late: Pod) -> None:
    cluster.veths[late.name] = cluster.cni["a"].add(late)
    server = AppServer(cluster.netns[late.name], APP_PORT)
    try:
        outgoing = cluster.exchange(late.name, (PLAIN_B.address, APP_PORT))
        cluster.record("zt-a", outgoing.client, listener=15001)
        incoming = cluster.exchange("plain-b", (late.address, APP_PORT))
        cluster.record("zt-a", incoming.client, listener=15006)
    finally:
        server.close()
        del cluster.veths[late.name]
    cluster.cni["a"].check(late)
    cluster.cni["a"].delete(late)
    assert traces(cluster) == []
    cluster.cni["a"].delete(late)  # a second time: nothing to do, no error


def test_add_without_agent_is_to_be_tried_again(cluster: Cluster, late: Pod) -> None:
    agent = cluster.datapath.agents["a"]
    agent.stop()
    try:
        done = cluster.cni["a"].attempt("add", late)
        assert done.returncode != 0
        assert "agent" in done.stdout + done.stderr
        assert traces(cluster) == []
        cluster.cni["a"].delete(
            late
        )  # as the runtime does after a failed ADD; still without an agent
        assert traces(cluster) == []
    finally:
        agent.start()
        agent.wait_ready()
    cluster.cni["a"].add(late)
    assert len(traces(cluster)) == 2


def test_del_without_agent(cluster: Cluster, late: Pod) -> None:
    cluster.cni["a"].add(late)
    agent = cluster.datapath.agents["a"]
    agent.stop()
    try:
        cluster.cni["a"].delete(late)
        assert traces(cluster) == []
    finally:
        agent.start()
        agent.wait_ready()
    assert traces(cluster) == [], "the agent brought a deleted attachment back"


def status(cluster: Cluster, agent: Agent) -> int:
    """The plugin's answer to STATUS: its error code, 0 for ready."""
    conf = {
        "cniVersion": "1.1.0",
        "name": "pods",
        "type": "ambient-cni",
        "agent_socket": str(agent.socket),
    }
    done = run_plugin(cluster.netns[A.netns], conf, CNI_COMMAND="STATUS")
    return 0 if done.returncode == 0 else json.loads(done.stdout)["code"]


def test_u10_ready_means_seen_in_the_kernel(cluster: Cluster) -> None:
    """A device of somebody else on our name keeps the datapath from being set up; without it, setup
    is tried again."""
    agent, node = cluster.datapath.agents["a"], cluster.netns[A.netns]
    assert status(cluster, agent) == 0
    agent.stop()
    assert status(cluster, agent) == 0, "the node is not taken out while an agent is replaced"
    agent.uninstall()
    node.ip("link add istioout type dummy")
    try:
        agent.start()
        agent.wait_log("not settled", after=agent.started_at)
        assert status(cluster, agent) == LIMITED_CONNECTIVITY
    finally:
        node.ip("link del istioout")
    agent.wait_ready()
    assert status(cluster, agent) == 0
    cluster.exchange("sleep", (PODS["server"].address, APP_PORT))
