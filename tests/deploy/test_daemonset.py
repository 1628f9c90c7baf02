"""The DaemonSet's container on a node: started by containerd with what the manifest grants, in a
network namespace that stands for the node's, beside a stand-in for the API server. The kernel need
not have geneve: what the agent does to it, tests/e2e shows."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.deploy import render
from support.deploy.daemonset import DaemonPod, Node
from support.deploy.engine import Engine
from support.deploy.image_archive import PLUGIN
from support.deploy.rights import allows
from support.fake_apiserver import FakeApiServer, objects
from support.fake_apiserver.server import listening_socket
from support.netns import Netns, create, delete

NODE, LATER = "deploy-node", "deploy-later"
OF_THE_KERNEL = ("/run/netns", "/proc/sys/net")
CONFLIST = "10-primary.conflist"
PRIMARY = '{"cniVersion": "1.0.0", "name": "pods",\n "plugins": [{"type": "ptp"}]}\n'
CAPABILITIES = {"NET_ADMIN": 12, "SYS_ADMIN": 21}  # linux/capability.h


@pytest.fixture(scope="module")
def netns() -> Iterator[Netns]:
    delete([NODE, LATER])
    (made,) = create([NODE])
    yield made
    delete([NODE, LATER])


@pytest.fixture(scope="module")
def api(netns: Netns, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeApiServer]:
    def in_node(address: str, port: int):
        return netns.run(lambda: listening_socket(address, port))

    with FakeApiServer(tmp_path_factory.mktemp("api"), make_socket=in_node) as server:
        server.put("nodes", objects.node(NODE))
        server.put("namespaces", objects.namespace("istio-system"))
        server.put("daemonsets", objects.daemon_set("ambient-node-agent", "istio-system"))
        yield server


@pytest.fixture(scope="module")
def agent(
    engine: Engine,
    image_name: str,
    base: render.Objects,
    netns: Netns,
    api: FakeApiServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DaemonPod]:
    folder = tmp_path_factory.mktemp("node")
    folders = {
        volume["hostPath"]["path"]: folder / volume["name"]
        for volume in render.pod(base)["volumes"]
        if "hostPath" in volume and volume["hostPath"]["path"] not in OF_THE_KERNEL
    }
    conf = folders["/etc/cni/net.d"]
    conf.mkdir()
    (conf / CONFLIST).write_text(PRIMARY)
    node = Node(NODE, netns, api, folders)
    pod = DaemonPod(engine, image_name, base, node, tmp_path_factory.mktemp("pod"))
    pod.start()
    pod.wait_log("installed on this node")
    yield pod
    if pod.running:
        pod.stop()


def _status(agent: DaemonPod) -> dict[str, str]:
    """What the kernel says of the agent's process: /proc/PID/status."""
    text = Path(f"/proc/{agent.pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_it_has_exactly_the_capabilities_of_the_manifest(agent: DaemonPod) -> None:
    status = _status(agent)
    wanted = sum(1 << number for number in CAPABILITIES.values())
    for field in ("CapEff", "CapPrm", "CapBnd"):
        assert int(status[field], 16) == wanted, field
    for field in ("CapInh", "CapAmb"):
        assert int(status[field], 16) == 0, field


def test_it_gains_no_privileges_and_is_filtered(agent: DaemonPod) -> None:
    status = _status(agent)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"  # SECCOMP_MODE_FILTER


def _mounts(agent: DaemonPod) -> dict[str, list[str]]:
    """Options by mount point (proc(5), mountinfo); the topmost counts."""
    text = Path(f"/proc/{agent.pid}/mountinfo").read_text()
    return {row[4]: row[5].split(",") for row in map(str.split, text.splitlines())}


def test_its_root_is_read_only(agent: DaemonPod) -> None:
    mounts = _mounts(agent)
    for place in ("/", "/proc/sys", "/etc/ambient-cni"):
        assert "ro" in mounts[place], place
    for place in ("/host/proc/sys/net", "/opt/cni/bin", "/var/lib/ambient-cni"):
        assert "rw" in mounts[place], place


def test_namespaces_made_later_reach_it(agent: DaemonPod) -> None:
    create([LATER])
    assert f"/run/netns/{LATER}" in _mounts(agent)


def test_it_serves_the_plugin_where_the_node_finds_it(agent: DaemonPod) -> None:
    assert (agent.host.volumes["socket"] / "agent.sock").is_socket()


def test_it_reads_the_cluster_as_its_service_account(
    api: FakeApiServer, agent: DaemonPod, base: render.Objects
) -> None:
    api.wait_watched("namespaces", "pods")
    (pods,) = api.requests("list", "pods")
    assert pods.query["fieldSelector"] == f"spec.nodeName={NODE}"
    for seen in api.requests():
        assert seen.code in (0, 200) and allows(base, seen), (seen.verb, seen.target)


def _plugins(agent: DaemonPod) -> list[dict[str, Any]]:
    return json.loads((agent.host.volumes["cni-conf"] / CONFLIST).read_text())["plugins"]


def test_it_installs_the_plugin_and_its_entry(agent: DaemonPod, root: tarfile.TarFile) -> None:
    copy = agent.host.volumes["cni-bin"] / "ambient-cni"
    assert copy.read_bytes() == root.extractfile(PLUGIN).read()
    assert copy.stat().st_mode & 0o7777 == 0o755
    assert [one["type"] for one in _plugins(agent)] == ["ptp", "ambient-cni"]
    # That path is the node's as well as the container's.
    assert _plugins(agent)[1]["agent_socket"] == "/run/ambient-cni/agent.sock"


def _get(netns: Netns, request: dict[str, Any], port: int) -> tuple[int, str]:
    def ask() -> tuple[int, str]:
        connection = http.client.HTTPConnection(request["host"], port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", request["path"])
            response = connection.getresponse()
            return response.status, response.read().decode()

    return netns.run(ask)


def test_probes_are_answered_where_the_kubelet_asks(
    agent: DaemonPod, netns: Netns, base: render.Objects
) -> None:
    container = render.container(base)
    (port,) = (one["containerPort"] for one in container["ports"] if one["name"] == "health")
    for probe in ("startupProbe", "livenessProbe"):
        assert _get(netns, container[probe]["httpGet"], port)[0] == 200, probe
    # This node has no ztunnel yet: it may come after us.
    status, said = _get(netns, container["readinessProbe"]["httpGet"], port)
    assert status == 200
    assert "ok source" in said and "ok installation" in said and "waiting datapath" in said


def test_it_stays_installed_until_its_daemonset_is_gone(
    agent: DaemonPod, api: FakeApiServer, base: render.Objects
) -> None:
    binaries = agent.host.volumes["cni-bin"]
    agent.stop()
    assert [one["type"] for one in _plugins(agent)] == ["ptp", "ambient-cni"]
    assert os.listdir(binaries) == ["ambient-cni"]
    asked = len(api.requests("get", "daemonsets"))
    agent.start()
    agent.wait_log("serving")
    # What it has not seen to be there is not gone later.
    api.wait(
        lambda: any(seen.code == 200 for seen in api.requests("get", "daemonsets")[asked:]),
        "the DaemonSet was read",
    )
    api.delete("daemonsets", "istio-system", "ambient-node-agent")
    agent.stop()
    assert (agent.host.volumes["cni-conf"] / CONFLIST).read_text() == PRIMARY
    assert os.listdir(binaries) == []
    assert all(allows(base, seen) for seen in api.requests())
