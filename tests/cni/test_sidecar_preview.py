"""`ambient-node-agent --dry-run --pod`: what a pod's annotations become, before it starts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from node import Node, delete_netns, new_netns
from plugin import Plugin
from sidecar_pods import SidecarPod

from support.agent import Agent
from support.netns import Netns

TRAFFIC = "traffic.sidecar.istio.io/"
WHOLE = SidecarPod(
    "whole",
    {
        "sidecar.istio.io/interceptionMode": "TPROXY",
        TRAFFIC + "excludeOutboundIPRanges": "10.0.0.0/8",
        TRAFFIC + "excludeInboundPorts": "8000-8100",
    },
    {"ISTIO_META_DNS_CAPTURE": "true"},
)
BAD = SidecarPod("bad", {TRAFFIC + "excludeInboundPorts": "80, 80x0"})
NONE = SidecarPod("none", {"sidecar.istio.io/interceptionMode": "NONE"})
PODS = [WHOLE, BAD, NONE]


@pytest.fixture
def agent(node: Node, tmp_path: Path) -> Agent:
    return agent_of(node, tmp_path, redirect_sidecars=True)


def agent_of(node: Node, folder: Path, redirect_sidecars: bool) -> Agent:
    objects = folder / "objects.yaml"
    items = [item for pod in PODS for item in pod.objects(pod.name)]
    objects.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    config = {
        "source": {"files": str(objects)},
        "policy": {"redirect_sidecars": redirect_sidecars},
    }
    return Agent("node-a", Netns(node.name), folder, config)


@pytest.fixture
def netns() -> Iterator[tuple[Node, Node]]:
    """Two pods' namespaces, as the runtime hands them over."""
    made = [new_netns(f"preview-{os.getpid()}-{number}") for number in (1, 2)]
    for one in made:
        one.must("ip", "link", "set", "lo", "up")
    yield made[0], made[1]
    for one in made:
        delete_netns(one)


def of(agent: Agent, pod: SidecarPod) -> subprocess.CompletedProcess[str]:
    return agent.dry_run("--pod", f"{pod.name}/sleep")


def state(netns: Node) -> str:
    """Without the addresses and local routes that the kernel settles later by itself."""
    return "".join(
        netns.must(*words.split())
        for words in (
            "nft --stateless list ruleset",
            "ip -4 rule",
            "ip -6 rule",
            "ip -4 route show table 684",
            "ip -6 route show table 684",
            "ip -6 -brief address show dev lo",
        )
    )


def test_the_lines_make_what_add_makes(agent: Agent, node: Node, netns: tuple[Node, Node]) -> None:
    by_hand, by_add = netns
    printed = of(agent, WHOLE)
    assert printed.returncode == 0, printed.stderr
    by_hand.must("sh", "-e", stdin=printed.stdout)
    agent.start()
    agent.wait_serving()
    try:
        plugin = Plugin(
            node, by_add, agent.socket, namespace=WHOLE.name, container="c1", uid=WHOLE.name
        )
        assert plugin.run("ADD").succeeded()
    finally:
        agent.stop()
    assert state(by_hand) == state(by_add)
    assert "ambient-sidecar" in state(by_hand)


def test_parameters_stand_before_the_lines(agent: Agent) -> None:
    comments = [line for line in of(agent, WHOLE).stdout.splitlines() if line.startswith("#")]
    said = {" ".join(line.split()) for line in comments}
    assert "# whole/sleep: has a sidecar" in said
    assert "# interception mode TPROXY" in said
    assert "# outbound networks all but 10.0.0.0/8" in said
    assert "# inbound ports all but 8000-8100, 15020-15021, 15090; never 15008" in said
    assert "# DNS questions to the proxy" in said


def test_a_bad_annotation_is_one_sentence(agent: Agent) -> None:
    done = of(agent, BAD)
    assert done.returncode == 2 and done.stdout == ""
    assert "excludeInboundPorts" in done.stderr and "'80x0'" in done.stderr
    assert "pod bad/sleep" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_pod_that_is_left_alone_says_why(agent: Agent) -> None:
    done = of(agent, NONE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "# none/sleep is left alone: sidecar.istio.io/interceptionMode is NONE\n"


def test_before_it_is_switched_on(node: Node, tmp_path: Path) -> None:
    printed = of(agent_of(node, tmp_path, redirect_sidecars=False), WHOLE).stdout
    assert "# policy.redirect_sidecars is false: nothing of this is made\n" in printed
    assert "ambient-sidecar" in printed


@pytest.mark.parametrize(
    ("named", "status", "says"),
    [("sleep", 2, "NAMESPACE/NAME"), ("whole/other", 1, "find among this node's pods")],
)
def test_no_such_pod(agent: Agent, named: str, status: int, says: str) -> None:
    done = agent.dry_run("--pod", named)
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
