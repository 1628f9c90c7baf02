"""The agent in its container, with what the DaemonSet grants and nothing else, does all of its work
on a real kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fake_apiserver import objects
from support.kernel_view import snapshot
from support.kube.kube_node import NODE, TAINT, KubeNode

from support.deploy import render
from support.deploy.daemonset import DaemonPod, Node
from support.deploy.engine import Engine
from support.deploy.rights import allows

DAEMONSET = ("ambient-node-agent", "istio-system")
# No answer yet; done; gone; changed since the agent knew of it, which it tries again with what the
# watch then shows.
EXPECTED_CODES = (0, 200, 404, 409)


@pytest.fixture
def manifests(tmp_path: Path) -> render.Objects:
    """The base, and the component that takes the node's taint away."""
    kustomization = {
        "resources": [render.MANIFESTS / "base"],
        "components": [render.MANIFESTS / "components/taint"],
    }
    folder = tmp_path / "kustomization"
    folder.mkdir()
    return render.kustomize_with(folder, kustomization)


@pytest.fixture
def pod(node: KubeNode, manifests: render.Objects, tmp_path: Path) -> Iterator[DaemonPod]:
    """In place of the agent that other tests have, which `node` starts again afterwards; nothing of
    that one is left in the kernel."""
    node.agent.stop()
    node.agent.uninstall()
    folders = {
        "/opt/cni/bin": node.bin_dir,
        "/etc/cni/net.d": node.conf_dir,
        "/var/lib/ambient-cni": tmp_path / "state",
    }
    folder = tmp_path / "pod"
    folder.mkdir()
    with Engine(tmp_path / "containerd") as engine:
        (image,) = engine.load(Path(os.environ["AMBIENT_IMAGE"]))
        made = DaemonPod(
            engine, image, manifests, Node(NODE, node.netns, node.api, folders), folder
        )
        try:
            yield made
        finally:
            if made.running:
                made.stop()
            # Without it the next agent that is stopped uninstalls.
            node.api.put("daemonsets", objects.daemon_set(*DAEMONSET))


def test_its_rights_are_enough(
    node: KubeNode, pod: DaemonPod, manifests: render.Objects, tmp_path: Path
) -> None:
    node.api.put("daemonsets", objects.daemon_set(*DAEMONSET))
    node.api.put("nodes", objects.node(NODE, TAINT))
    before = len(node.api.requests())
    pod.start()
    pod.wait_log("datapath ready", timeout=120)
    address = node.start_pod("mesh", "contained")
    node.wait_captured(address)
    node.netns.command("nft", "delete", "table", "inet", "ambient")
    node.wait_captured(address)
    node.wait_redirection("mesh", "contained", "enabled")
    # Written through the mount of the node's /proc/sys/net.
    assert node.netns.sysctl("ipv4/conf/istioin/rp_filter") == "2"

    node.api.delete("daemonsets", *reversed(DAEMONSET))
    pod.stop()
    assert node.conf_file.read_text() == node.primary
    assert not list((tmp_path / "state").iterdir())
    assert "ambient" not in str(snapshot(node.netns)["filter"])
    asked = node.api.requests()[before:]
    assert {"pods", "namespaces", "nodes", "daemonsets"} <= {seen.resource for seen in asked}
    for seen in asked:
        assert allows(manifests, seen), (seen.verb, seen.target)
        assert seen.code in EXPECTED_CODES, (seen.verb, seen.target, seen.code)
