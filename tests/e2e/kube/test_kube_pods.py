"""Pods that the kubelet starts, through CRI and CNI, on a node whose agent follows the API server
and has installed itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.fake_apiserver import objects
from support.kube.kube_node import NODE, NODE_ADDRESS, REDIRECTION, TAINT, ZTUNNEL, KubeNode
from support.kube.libcni import AddRefused, LibCni, NetnsSandbox


def put_object(node: KubeNode, name: str, address: str | None, **fields: Any) -> None:
    """A pod that only the API knows."""
    node.api.put("pods", objects.pod(name, "mesh", NODE, address, **fields))


def test_installed_before_the_first_pod(node: KubeNode) -> None:
    assert node.chain() == ["ptp", "ambient-cni"]
    assert (node.bin_dir / "ambient-cni").stat().st_mode & 0o777 == 0o755


def test_pod_is_captured_when_its_sandbox_is_there(node: KubeNode) -> None:
    node.api.put("pods", objects.pod("first", "mesh", NODE))
    address = node.add_sandbox("mesh", "first")
    assert address in node.captured(), "ADD returned before its capture"
    node.show_address("mesh", "first", address)
    node.wait_redirection("mesh", "first", "enabled")
    node.stop_pod("mesh", "first")
    assert address not in node.captured()


def test_namespace_relabelled_live(node: KubeNode) -> None:
    address = node.start_pod("plain", "mover")
    assert address not in node.captured()
    node.put_namespace("plain", ambient=True)
    node.wait_captured(address)
    node.wait_redirection("plain", "mover", "enabled")
    node.put_namespace("plain", ambient=False)
    node.wait_captured(address, False)
    node.wait_redirection("plain", "mover", None)


def test_opted_out_while_the_watch_is_behind(node: KubeNode) -> None:
    """The agent captures what it knows, and does not write over what it does not know yet."""
    address = node.start_pod("plain", "owner")
    node.wait_whole()
    with node.api.watches_held_back("pods"):
        pod = node.pod("plain", "owner")
        pod["metadata"]["annotations"][REDIRECTION] = "disabled"
        node.api.put("pods", pod)
        asked = len(node.api.requests("patch", "pods"))
        node.put_namespace("plain", ambient=True)
        node.wait_captured(address)
        patch = node.api.wait_requests("patch", "pods", asked + 1)[asked]
        node.api.wait(lambda: patch.code != 0, "an answer")
        assert patch.code == 409
    node.wait_captured(address, False)
    node.put_namespace("plain", ambient=False)
    node.wait_redirection("plain", "owner", "disabled")


def test_pod_that_the_watch_has_not_shown_is_asked_for(node: KubeNode) -> None:
    with node.api.watches_held_back():
        node.api.put("pods", objects.pod("early", "mesh", NODE))
        asked = len(node.api.requests("get", "pods"))
        address = node.add_sandbox("mesh", "early")
        assert len(node.api.requests("get", "pods")) == asked + 1
        assert address in node.captured()


def test_pod_that_nobody_knows_is_to_be_tried_again(node: KubeNode) -> None:
    with pytest.raises(AddRefused, match="ambient-cni"):
        node.add_sandbox("mesh", "unknown")
    node.api.put("pods", objects.pod("unknown", "mesh", NODE))
    assert node.add_sandbox("mesh", "unknown") in node.captured()


def test_never_captured(node: KubeNode) -> None:
    """On the host network, finished, without an address, opted out; after them one that is."""
    put_object(node, "host", NODE_ADDRESS, host_network=True)
    put_object(node, "done", "10.250.1.201", phase="Succeeded", ready=False)
    put_object(node, "failed", "10.250.1.202", phase="Failed", ready=False)
    put_object(node, "pending", None)
    put_object(node, "opted-out", "10.250.1.203", annotations={REDIRECTION: "disabled"})
    address = node.start_pod("mesh", "last")
    node.wait_captured(address)
    node.wait_whole()
    assert node.redirection("mesh", "opted-out") == "disabled"


def test_pod_that_finishes_is_no_longer_captured(node: KubeNode) -> None:
    address = node.start_pod("mesh", "job")
    node.wait_captured(address)
    pod = node.pod("mesh", "job")
    pod["status"] = objects.running(address, phase="Succeeded", ready=False)
    node.api.put("pods", pod)
    node.wait_captured(address, False)


def test_reused_address_belongs_to_the_new_pod(node: KubeNode) -> None:
    """The API still shows the old pod, running, when the new one gets its address."""
    node.next_address_is_the_lowest()
    address = node.start_pod("mesh", "old")
    node.remove_sandbox("mesh", "old")
    node.next_address_is_the_lowest()
    node.api.put("pods", objects.pod("new", "plain", NODE))
    assert node.add_sandbox("plain", "new") == address
    assert address not in node.captured()
    node.show_address("plain", "new", address)
    node.api.delete("pods", "mesh", "old")
    last = node.start_pod("mesh", "last")  # the watch has shown all of that
    node.wait_captured(last)
    assert address not in node.captured()


def test_address_that_changes_hands_while_the_plugin_is_not_in_the_chain(
    node: KubeNode, tmp_path: Path
) -> None:
    """Neither the DEL of the one nor the ADD of the other reaches the agent."""
    (tmp_path / node.conf_file.name).write_text(node.primary)
    without_us = LibCni(node.netns, tmp_path, node.bin_dir)
    node.next_address_is_the_lowest()
    address = node.start_pod("mesh", "former")
    node.wait_captured(address)
    former = node.sandboxes.pop(("mesh", "former"))
    assert isinstance(former, NetnsSandbox)
    without_us.remove(former.netns, former.arguments)
    node.api.delete("pods", "mesh", "former")
    node.next_address_is_the_lowest()
    node.api.put("pods", objects.pod("latter", "mesh", NODE))
    assert node.add_sandbox("mesh", "latter", without_us) == address
    node.show_address("mesh", "latter", address)
    node.wait_redirection("mesh", "latter", "enabled")
    assert address in node.captured()


def test_foreign_ztunnel_is_refused(node: KubeNode) -> None:
    seen = len(node.agent.log())
    address = node.start_pod("mesh", "impostor", labels={"app": "ztunnel"}, account="ztunnel")
    node.wait_captured(address)  # an ordinary pod
    node.agent.wait_log("mesh/impostor", "ztunnel", after=seen)
    ztunnel = node.pod(*ZTUNNEL)["status"]["podIP"]
    routes = node.netns.command("ip", "route", "show", "table", "100")
    assert f"{ztunnel} dev" in routes and f"{address} via" in routes


def test_event_for_a_pod_that_cannot_be_captured(node: KubeNode) -> None:
    put_object(node, "lost", "10.250.1.210")  # no device leads there
    node.api.wait(lambda: bool(events_about(node, "lost")), "an Event about mesh/lost", 40)
    [event] = events_about(node, "lost")
    assert (event["type"], event["reason"]) == ("Warning", "NotCaptured")
    assert event["source"]["component"] == "ambient-node-agent"


def events_about(node: KubeNode, name: str) -> list[dict[str, Any]]:
    return [each for each in node.api.all("events") if each["involvedObject"]["name"] == name]


def test_taint_goes_when_the_node_is_ready(node: KubeNode) -> None:
    def keys() -> list[str]:
        found = node.api.get("nodes", "", NODE)
        assert found
        return [taint["key"] for taint in found["spec"]["taints"]]

    node.api.wait(lambda: TAINT not in keys(), "the taint gone")
    assert keys() == ["node.kubernetes.io/example"]
