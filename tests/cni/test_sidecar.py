"""Pods with a sidecar, with the real agent: ADD makes the rules in the pod's own namespace. What they do
is asked of the kernel: connections are made, and who gets them is seen."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from callers import PROXY
from sidecar_scene import (
    FAMILIES,
    INBOUND,
    LOCAL,
    MAGIC,
    OUTBOUND,
    SOMEWHERE,
    Scene,
    a_namespace,
    a_pod,
)


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


def test_a_pod_whose_addresses_nobody_tells(scene: Scene) -> None:
    """Its rules do not ask for them (a primary CNI may leave `ips` empty)."""
    scene.shows(a_pod())
    nothing = {"cniVersion": "1.1.0", "ips": []}
    assert scene.plugin.run("ADD", prevResult=nothing).succeeded()
    assert "ambient-sidecar" in scene.pod.state()
