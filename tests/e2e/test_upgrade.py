"""A node that version 0.1.0 has programmed, and this version's agent: connections live on, and no packet
of a captured pod leaves in clear text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_ztunnel_change import Opener, assert_nothing_let_past

from support.cluster.capture import Capture
from support.cluster.cluster import Cluster
from support.cluster.load import Load
from support.cluster.model import APP_PORT, NODES, PODS
from support.kernel_view import filter_table, rules, snapshot
from support.netns import Netns

STATE = Path(__file__).parent / "state-0.1.0"
D = NODES["d"]
ZTUNNEL, POD, PLAIN_B = PODS["zt-d"], PODS["helloworld"], PODS["plain-b"]


def recorded(cluster: Cluster, name: str, comment: str = "") -> str:
    words = {
        "ZTUNNEL_VETH": cluster.veths[ZTUNNEL.name],
        "POD_VETH": cluster.veths[POD.name],
        "ZTUNNEL": ZTUNNEL.address,
        "POD": POD.address,
        "HOST_IP": D.host_ip,
        "COMMENT": comment,
    }
    text = (STATE / name).read_text()
    return re.sub("|".join(words), lambda word: words[word.group()], text)


def make(cluster: Cluster, netns: Netns, name: str, comment: str = "") -> None:
    netns.ip(*recorded(cluster, f"{name}.ip").splitlines())
    for line in recorded(cluster, f"{name}.sysctls").splitlines():
        key, value = line.split(" = ")
        netns.sysctl(key.removeprefix("net/"), value)
    netns.nft(recorded(cluster, f"{name}.nft", comment))


@pytest.fixture
def programmed_by_0_1_0(cluster: Cluster) -> Iterator[None]:
    """Its agent is gone, what it made stands."""
    node, ztunnel = cluster.netns[D.netns], cluster.netns[ZTUNNEL.name]
    agent = cluster.datapath.agents[D.name]
    attachment = re.search(rf'{POD.address} comment "([^"]+)"', filter_table(node))
    assert attachment
    agent.stop()
    agent.uninstall()
    make(cluster, node, "node", attachment.group(1))
    make(cluster, ztunnel, "ztunnel")
    agent.state_dir.mkdir(exist_ok=True)
    (agent.state_dir / "sysctls.conf").write_text(recorded(cluster, "journal.conf"))
    yield
    if not agent.running:
        agent.start()
        agent.wait_ready()


def test_upgrade_from_0_1_0(
    cluster: Cluster, whole: list[dict[str, object]], programmed_by_0_1_0: None
) -> None:
    node, client = cluster.netns[D.netns], cluster.netns[POD.name]
    agent = cluster.datapath.agents[D.name]
    assert any("goto 32766" in rule for rule in rules(node))
    with Load() as load, Capture([node]) as capture, Opener(client) as opener:
        load.add("from the pod", client, (PLAIN_B.address, APP_PORT))
        load.add("to the pod", cluster.netns["plain-b"], (POD.address, APP_PORT))
        load.add("host to the pod", node, (POD.address, APP_PORT))
        opener.wait_more(3)
        agent.start()
        agent.wait_ready()
        load.check()
        opener.wait_more(3)
    assert_nothing_let_past(cluster, capture, POD)
    now = [snapshot(node), snapshot(cluster.netns[ZTUNNEL.name])]
    different = [
        f"{what}: {before[what]}\nnow {after[what]}"
        for before, after in zip(whole, now, strict=True)
        for what in before
        if before[what] != after[what]
    ]
    assert not different, "\n".join(different)


@pytest.fixture
def whole(cluster: Cluster) -> list[dict[str, object]]:
    """What this version makes of the node by itself."""
    return [snapshot(cluster.netns[name]) for name in (D.netns, ZTUNNEL.name)]
