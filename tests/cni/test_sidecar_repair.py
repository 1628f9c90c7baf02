"""Sidecar pods that run: the real agent keeps their rules, as it found or made them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from callers import PROXY
from node import Node
from sidecar_scene import FAMILIES, INBOUND, MAGIC, Scene, a_namespace, a_pod

from support.fake_apiserver import TOKEN, FakeApiServer, write_kubeconfig
from support.fake_apiserver.server import listening_socket
from support.netns import Netns

ADDRESSES = ["10.244.1.11", "fd00:10:244:1::11"]


@pytest.fixture
def scene(node: Node, tmp_path: Path) -> Iterator[Scene]:
    """Looked at each second, not each half minute."""
    made = Scene(node, tmp_path, resync_seconds=1)
    try:
        yield made
    finally:
        made.close()


def running(pod: dict[str, Any], *addresses: str) -> dict[str, Any]:
    ips = [{"ip": address} for address in addresses or ADDRESSES]
    return pod | {"status": {"phase": "Running", "podIP": ips[0]["ip"], "podIPs": ips}}


def holds(scene: Scene, state: str) -> None:
    """Waits until the pod's namespace holds these rules."""
    deadline = time.monotonic() + 20
    while rules(scene) != state:
        assert time.monotonic() < deadline, "\n".join(scene.agent.log()[-20:])


def rules(scene: Scene) -> str:
    """Routes left out: the kernel settles those of a new address a moment later."""
    words = ("nft --stateless list ruleset", "ip -4 rule", "ip -6 rule")
    return "".join(scene.pod.must(*line.split()) for line in words)


def test_what_is_flushed_in_a_running_pod_is_put_back(scene: Scene) -> None:
    scene.shows(a_pod())
    assert scene.plugin.run("ADD").succeeded()
    whole = rules(scene)
    scene.pod.must("nft", "flush", "ruleset")
    holds(scene, whole)
    scene.agent.wait_log("drift repaired", "shop/sleep")
    assert scene.plugin.run("CHECK").succeeded()


def test_what_was_flushed_while_the_agent_was_away_is_put_back(scene: Scene) -> None:
    scene.shows(running(a_pod({"sidecar.istio.io/interceptionMode": "TPROXY"})))
    assert scene.plugin.run("ADD").succeeded()
    whole = rules(scene)
    scene.agent.stop()
    scene.pod.must("nft", "flush", "ruleset")
    scene.pod.must("ip", "rule", "del", "pref", "32002")
    scene.agent.start()
    holds(scene, whole)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pod_that_started_without_the_plugin_gets_its_rules(scene: Scene, family: int) -> None:
    scene.shows(running(a_pod()))
    scene.agent.wait_log("sidecar's rules not as they must be", "found=missing", scene.pod.path)
    scene.agent.wait_log("event=changed", "shop/sleep")
    magic = (MAGIC[family], 15002)
    assert scene.pod.reaches(INBOUND, family, *magic, PROXY) == magic
    assert scene.plugin.run("CHECK").succeeded()


def test_a_pod_whose_namespace_is_nowhere_is_told(scene: Scene) -> None:
    scene.shows(running(a_pod(), "10.244.1.99"))
    line = scene.agent.wait_log("sidecar not redirected", "shop/sleep")
    assert "10.244.1.99" in line
    assert "ambient-sidecar" not in scene.pod.state()


def test_what_is_foreign_there_is_left_alone(scene: Scene) -> None:
    scene.pod.must(*"ip rule add pref 32002 fwmark 0x539/0xfff lookup 684 protocol 4".split())
    before = rules(scene)
    scene.shows(running(a_pod({"sidecar.istio.io/interceptionMode": "TPROXY"})))
    scene.agent.wait_log("sidecar not redirected", "32002")
    assert rules(scene) == before


def test_pods_of_istio_init_are_left_alone(scene: Scene) -> None:
    before = rules(scene)
    scene.shows(running(a_pod(init=("istio-init",))), running(a_second_pod(), "10.244.1.98"))
    # The second one is known to be looked at after it, by its name.
    scene.agent.wait_log("sidecar not redirected", "shop/tail")
    assert rules(scene) == before


def a_second_pod() -> dict[str, Any]:
    pod = a_pod()
    return pod | {"metadata": pod["metadata"] | {"name": "tail", "uid": "uid-tail"}}


@pytest.fixture
def server(node: Node, tmp_path: Path) -> Iterator[FakeApiServer]:
    """In the node's namespace, where the agent is."""

    def in_node(address: str, port: int) -> Any:
        return Netns(node.name).run(lambda: listening_socket(address, port))

    node.must("ip", "link", "set", "lo", "up")
    with FakeApiServer(tmp_path / "cluster", make_socket=in_node) as made:
        yield made


@pytest.fixture
def told(node: Node, tmp_path: Path, server: FakeApiServer) -> Iterator[Any]:
    """A scene whose agent is told by the API server; by how it repairs."""
    scenes = []

    def start(repair: str, *pods: dict[str, Any]) -> Scene:
        kubeconfig = write_kubeconfig(
            tmp_path / "kubeconfig",
            server.url,
            {"certificate-authority": str(server.authority.file)},
            {"token": TOKEN},
        )
        source = {"kind": "kubernetes", "kubeconfig": str(kubeconfig)}
        scene = Scene(node, tmp_path, source=source, sidecar={"repair": repair}, resync_seconds=1)
        scenes.append(scene)
        server.put("namespaces", a_namespace())
        server.put("pods", *pods)
        scene.agent.start()
        scene.agent.wait_serving()
        return scene

    yield start
    for scene in scenes:
        scene.close()


def shown(server: FakeApiServer, name: str = "sleep") -> dict[str, Any]:
    pod = server.get("pods", "shop", name)
    return pod["metadata"] if pod else {}


def test_a_bare_pod_is_labelled(server: FakeApiServer, told: Any) -> None:
    scene = told("label", running(a_pod()))
    before = rules(scene)
    server.wait(
        lambda: shown(server).get("labels", {}).get("cni.istio.io/uninitialized") == "true", "label", 30
    )
    (event,) = server.all("events")
    assert event["reason"] == "NotRedirected" and "none of its sidecar's rules" in event["message"]
    assert rules(scene) == before
    assert {seen.verb for seen in server.requests(resource="pods")} <= {"list", "watch", "patch", "get"}


def test_a_bare_pod_is_deleted_as_it_was_seen(server: FakeApiServer, told: Any) -> None:
    scene = told("delete", running(a_pod()))
    before = rules(scene)
    server.wait(lambda: not shown(server), "deletion", 30)
    assert rules(scene) == before
    assert len(server.requests("delete", "pods")) == 1


def test_without_the_right_to_the_pod_stays(server: FakeApiServer, told: Any) -> None:
    server.forbid(("delete", "pods"))
    scene = told("delete", running(a_pod()))
    scene.agent.wait_log("status not written", "what=deletion", "403", timeout=30)
    assert shown(server)


def test_a_namespace_that_is_nowhere_is_an_event(server: FakeApiServer, told: Any) -> None:
    told("in-place", running(a_pod(), "10.244.1.99"))
    server.wait(lambda: bool(server.all("events")), "an Event", 30)
    (event,) = server.all("events")
    assert event["involvedObject"]["name"] == "sleep"
    assert "10.244.1.99" in event["message"]


def test_with_repair_off_a_bare_pod_is_left_alone(server: FakeApiServer, told: Any) -> None:
    scene = told("off", running(a_pod()))
    before = rules(scene)
    # A second one is known to be looked at after it: by its wrong annotation.
    bad = a_second_pod()
    bad["metadata"]["annotations"] = bad["metadata"]["annotations"] | {
        "sidecar.istio.io/interceptionMode": "SOON"
    }
    server.put("pods", running(bad, "10.244.1.98"))
    scene.agent.wait_log("sidecar not redirected", "shop/tail")
    assert rules(scene) == before
    assert "labels" not in shown(server) or not shown(server)["labels"]
