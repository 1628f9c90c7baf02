"""Behind Debian's ptp and host-local, called by libcni (cnitool): the chain that a node has."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from agent_stand_in import AgentStandIn
from node import POD, TUNNEL_END, Node
from plugin import BINARY, Plugin, capture_of, pod_args

CNITOOL = os.environ.get("AMBIENT_CNITOOL", "cnitool")
Tool = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def cnitool(plugin: Plugin, node: Node, tmp_path: Path) -> Tool:
    conflist = {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(tmp_path / "ipam"),
                    "ranges": [[{"subnet": "10.244.1.0/24", "rangeStart": POD, "rangeEnd": POD}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "ambient-cni", "agent_socket": str(plugin.socket), "timeout_ms": 5000},
        ],
    }
    (tmp_path / "net.d").mkdir()
    (tmp_path / "net.d" / "10-pods.conflist").write_text(json.dumps(conflist))
    environment = {
        **os.environ,
        "NETCONFPATH": str(tmp_path / "net.d"),
        "CNI_PATH": f"{BINARY.parent}:/usr/lib/cni",
        "CNI_ARGS": pod_args("default"),
    }
    return lambda verb: node.run(CNITOOL, verb, "pods", plugin.pod.path, env=environment)


def test_add_check_del(cnitool: Tool, node: Node, agent: AgentStandIn) -> None:
    before = (node.elements(), node.routes())
    # cnitool makes up the container's id.
    agent.answers["add"] = agent.answers["check"] = lambda request: capture_of(
        container=request["container_id"]
    )
    added = cnitool("add")
    assert added.returncode == 0, added.stdout + added.stderr
    result = json.loads(added.stdout)
    assert result["cniVersion"] == "1.0.0" and result["ips"][0]["address"] == f"{POD}/24"
    assert list(node.elements()) == [POD]
    assert any(route.startswith(f"{POD} via {TUNNEL_END}") for route in node.routes())

    checked = cnitool("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    node.must("ip", "route", "delete", POD, "table", "100")
    checked = cnitool("check")
    assert (
        checked.returncode != 0
        and "does not hold what captures this pod" in checked.stdout + checked.stderr
    )

    deleted = cnitool("del")
    assert deleted.returncode == 0, deleted.stdout + deleted.stderr
    assert (node.elements(), node.routes()) == before
    assert agent.verbs() == ["add", "added", "check", "check", "del"]


def test_add_without_an_agent_fails_and_del_cleans_up(cnitool: Tool, node: Node) -> None:
    before = (node.elements(), node.routes())
    added = cnitool("add")
    assert added.returncode != 0 and "try again" in added.stdout + added.stderr
    assert cnitool("del").returncode == 0
    assert (node.elements(), node.routes()) == before
