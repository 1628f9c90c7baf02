"""Pods with a sidecar, with the real agent: ADD makes the rules in the pod's own namespace. What they do
is asked of the kernel: connections are made, and who gets them is seen."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from callers import PROXY, dial, original_destination
from node import Node, delete_netns, new_netns
from plugin import UID, Plugin

from support.agent import Agent
from support.netns import Netns

OUTBOUND, INBOUND = 15001, 15006
SOMEWHERE = {socket.AF_INET: "198.51.100.7", socket.AF_INET6: "2001:db8::7"}
LOCAL = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
MAGIC = {socket.AF_INET: "127.0.0.6", socket.AF_INET6: "::6"}
FAMILIES = [socket.AF_INET, socket.AF_INET6]

_numbers = itertools.count()


def a_pod(
    annotations: dict[str, str] | None = None,
    init: tuple[str, ...] = ("istio-validation",),
    **labels: str,
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": "shop",
            "name": "sleep",
            "uid": UID,
            "labels": labels,
            "annotations": {"sidecar.istio.io/status": "{}", **(annotations or {})},
        },
        "spec": {
            "nodeName": "node-a",
            "initContainers": [{"name": name} for name in init],
            "containers": [
                {"name": "web"},
                {"name": "istio-proxy", "args": ["proxy", "sidecar"]},
            ],
        },
    }


def a_namespace(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", **metadata}}


class Pod(Node):
    def listen(self, family: int, port: int) -> socket.socket:
        """As the proxy does, on every address of the family."""

        def open_socket() -> socket.socket:
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", port))
            listener.listen()
            listener.settimeout(10)
            return listener

        return Netns(self.name).run(open_socket)

    def connect(self, family: int, address: str, port: int, user: int) -> socket.socket:
        """As the user and its group; to loopback from the loopback address, which is not what the kernel
        takes by itself for ::6."""

        source = LOCAL[family] if address == MAGIC[family] else None
        return dial(Netns(self.name), address, port, user, source=source)

    def reaches(
        self, listening: int, family: int, address: str, port: int, user: int
    ) -> tuple[str, int]:
        """Who listens at that port gets what the user opens; where it was bound for."""
        with (
            self.listen(family, listening) as listener,
            self.connect(family, address, port, user),
            listener.accept()[0] as connection,
        ):
            return original_destination(connection)

    def state(self) -> str:
        """Everything of the packet filter, rules, and routes."""
        return "".join(
            self.must(*words.split())
            for words in ("nft list ruleset", "ip -4 rule", "ip -6 rule", "ip route show table all")
        )


class Scene:
    def __init__(self, node: Node, folder: Path) -> None:
        made = new_netns(f"cni-sidecar-{os.getpid()}-{next(_numbers)}")
        self.pod = Pod(made.name)
        # A primary CNI's work: addresses of both families, and a way out.
        self.pod.must(
            "ip",
            "-batch",
            "-",
            stdin="link set lo up\n"
            "link add eth0 type veth peer name other\n"
            "link set eth0 addrgenmode none\n"
            "address add 10.244.1.11/24 dev eth0\n"
            "address add fd00:10:244:1::11/64 dev eth0 nodad\n"
            "link set other up\n"
            "link set eth0 up\n"
            "route add default via 10.244.1.1\n"
            "route add ::/0 via fd00:10:244:1::1 dev eth0\n",
        )
        self.objects = folder / "objects.yaml"
        self.agent = Agent(
            "node-a",
            Netns(node.name),
            folder,
            {"source": {"files": str(self.objects)}, "policy": {"redirect_sidecars": True}},
        )
        self.plugin = Plugin(node, self.pod, self.agent.socket, namespace="shop")

    def shows(self, *items: dict[str, Any]) -> None:
        kinds = {item["kind"] for item in items}
        everything = [*items, *([] if "Namespace" in kinds else [a_namespace()])]
        self.objects.write_text(
            yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": everything})
        )
        self.agent.start()
        self.agent.wait_serving()

    def close(self) -> None:
        if self.agent.running:
            self.agent.stop()
        delete_netns(self.pod)


@pytest.fixture
def scene(node: Node, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(node, tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_istios_own_validation_asks_for(scene: Scene, family: int) -> None:
    """istio-validation's probe (tools/istio-iptables/pkg/validation): the proxy's own connection to the
    magic address comes back in by the inbound listener, and shows where it was bound for."""
    scene.shows(a_pod())
    with pytest.raises(OSError):
        scene.pod.connect(family, MAGIC[family], 15002, PROXY)
    assert scene.plugin.run("ADD").succeeded()
    magic = (MAGIC[family], 15002)
    assert scene.pod.reaches(INBOUND, family, *magic, PROXY) == magic


@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_application_opens_goes_to_the_proxy(scene: Scene, family: int) -> None:
    scene.shows(a_pod())
    assert scene.plugin.run("ADD").succeeded()
    somewhere = (SOMEWHERE[family], 80)
    assert scene.pod.reaches(OUTBOUND, family, *somewhere, 1000) == somewhere


@pytest.mark.parametrize("family", FAMILIES)
def test_the_application_to_itself_is_left_alone(scene: Scene, family: int) -> None:
    scene.shows(a_pod())
    assert scene.plugin.run("ADD").succeeded()
    with (
        scene.pod.listen(family, 8080) as listener,
        scene.pod.connect(family, LOCAL[family], 8080, 1000),
        listener.accept()[0] as connection,
    ):
        assert connection.getsockname()[1] == 8080


def test_an_annotation_of_the_namespace_is_the_default(scene: Scene) -> None:
    never = {"traffic.sidecar.istio.io/excludeOutboundPorts": "8000-8100"}
    scene.shows(a_pod(), a_namespace(annotations=never))
    assert scene.plugin.run("ADD").succeeded()
    # Nobody answers there: what is not redirected finds no neighbour.
    with scene.pod.listen(socket.AF_INET, OUTBOUND), pytest.raises(OSError):
        scene.pod.connect(socket.AF_INET, "10.244.1.99", 8050, 1000)
    other = ("10.244.1.99", 8101)
    assert scene.pod.reaches(OUTBOUND, socket.AF_INET, *other, 1000) == other


def test_a_pod_without_ipv6(scene: Scene) -> None:
    scene.pod.must("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
    scene.shows(a_pod({"sidecar.istio.io/interceptionMode": "TPROXY"}))
    assert scene.plugin.run("ADD").succeeded()
    assert "32002" in scene.pod.must("ip", "-4", "rule")
    assert "32002" not in scene.pod.must("ip", "-6", "rule")
    assert scene.plugin.run("CHECK").succeeded()


def test_tproxy_leads_back_what_is_meant_for_the_proxy(scene: Scene) -> None:
    scene.shows(a_pod({"sidecar.istio.io/interceptionMode": "TPROXY"}))
    assert scene.plugin.run("ADD").succeeded()
    for family in ("-4", "-6"):
        rules = scene.pod.must("ip", family, "rule")
        assert "fwmark 0x539/0xfff lookup 684" in rules
        assert "local default dev lo" in scene.pod.must("ip", family, "route", "show", "table", "684")
    assert "tproxy" in scene.pod.must("nft", "list", "table", "inet", "ambient-sidecar")
    assert scene.plugin.run("CHECK").succeeded()


def test_twice_is_once(scene: Scene) -> None:
    scene.shows(a_pod())
    assert scene.plugin.run("ADD").succeeded()
    before = scene.pod.state()
    assert scene.plugin.run("ADD").succeeded()
    assert scene.pod.state() == before
    assert "ambient-sidecar" in before


def test_check_compares_all_of_it(scene: Scene) -> None:
    scene.shows(a_pod())
    assert scene.plugin.run("ADD").succeeded()
    whole = scene.pod.state()
    assert scene.plugin.run("CHECK").succeeded()
    scene.pod.must("nft", "add", "table", "inet", "other")  # the pod's own is its own
    assert scene.plugin.run("CHECK").succeeded()
    scene.pod.must("nft", "delete", "table", "inet", "other")
    scene.pod.must("nft", "delete", "table", "inet", "ambient-sidecar")
    assert "ambient-sidecar" in scene.plugin.run("CHECK").failure["details"]
    assert scene.plugin.run("ADD").succeeded()
    assert scene.pod.state() == whole


def test_a_bad_annotation_starts_no_pod(scene: Scene) -> None:
    scene.shows(a_pod({"traffic.sidecar.istio.io/excludeInboundPorts": "80, 80x0"}))
    before = scene.pod.state()
    details = scene.plugin.run("ADD").failure["details"]
    assert "shop/sleep" in details and "excludeInboundPorts" in details and "'80x0'" in details
    assert scene.pod.state() == before


def test_the_sidecar_goes_before_ambient(scene: Scene) -> None:
    scene.shows(
        a_pod(**{"istio.io/dataplane-mode": "ambient"}),
        a_namespace(labels={"istio.io/dataplane-mode": "ambient"}),
    )
    node = scene.plugin.node.state()
    assert scene.plugin.run("ADD").succeeded()
    assert "ambient-sidecar" in scene.pod.state()
    assert scene.plugin.node.state() == node


@pytest.mark.parametrize(
    "pod",
    [a_pod(init=("istio-init",)), a_pod({"sidecar.istio.io/interceptionMode": "NONE"})],
    ids=["istio-init makes them", "interception mode NONE"],
)
def test_pods_that_are_left_alone(scene: Scene, pod: dict[str, Any]) -> None:
    scene.shows(pod)
    before = scene.pod.state()
    assert scene.plugin.run("ADD").succeeded()
    assert scene.pod.state() == before


def test_what_cannot_be_programmed_leaves_nothing(scene: Scene) -> None:
    """A rule of another at our priority and mark: the pod does not start, and its namespace is as before."""
    scene.shows(a_pod({"sidecar.istio.io/interceptionMode": "TPROXY"}))
    scene.pod.must(
        *"ip rule add pref 32002 fwmark 0x539/0xfff lookup 684 protocol 4".split()
    )
    before = scene.pod.state()
    assert "32002" in scene.plugin.run("ADD").failure["details"]
    assert scene.pod.state() == before


def test_a_second_add_that_fails_takes_nothing_away(scene: Scene) -> None:
    scene.shows(a_pod({"sidecar.istio.io/interceptionMode": "TPROXY"}))
    assert scene.plugin.run("ADD").succeeded()
    scene.pod.must("ip", "rule", "del", "pref", "32002")
    scene.pod.must(*"ip rule add pref 32002 fwmark 0x539/0xfff lookup 684 protocol 4".split())
    before = scene.pod.state()
    assert scene.plugin.run("ADD").failure
    assert scene.pod.state() == before
    assert "ambient-sidecar" in before


def test_del_needs_no_agent(scene: Scene) -> None:
    scene.shows(a_pod())
    assert scene.plugin.run("ADD").succeeded()
    scene.agent.stop()
    assert scene.plugin.run("DEL").succeeded()
