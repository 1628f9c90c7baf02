"""The same under containerd: sandboxes by CRI, as the kubelet makes them, while another writer
fights for the CNI configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.fake_apiserver import objects
from support.kube.cri import CriRuntime
from support.kube.kube_node import NODE, KubeNode
from support.kube.libcni import AddRefused
from support.kube.rewriter import Rewriter


@pytest.fixture(scope="module")
def containerd(kube_node: KubeNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CriRuntime]:
    folder = tmp_path_factory.mktemp("cri")
    with CriRuntime(folder, kube_node.netns, kube_node.conf_dir, kube_node.bin_dir) as runtime:
        yield runtime


def test_network_is_ready(node: KubeNode, containerd: CriRuntime) -> None:
    assert containerd.network_ready()


def test_sandbox_is_captured(node: KubeNode, containerd: CriRuntime) -> None:
    node.api.put("pods", objects.pod("sandboxed", "mesh", NODE))
    address = node.add_sandbox("mesh", "sandboxed", containerd)
    assert address in node.captured(), containerd.log()
    node.show_address("mesh", "sandboxed", address)
    node.stop_pod("mesh", "sandboxed")
    assert address not in node.captured()


def test_unknown_pod_is_refused(node: KubeNode, containerd: CriRuntime) -> None:
    with pytest.raises(AddRefused, match="ambient-cni"):
        node.add_sandbox("mesh", "unknown", containerd)


def test_configuration_overwritten_in_a_loop(node: KubeNode, containerd: CriRuntime) -> None:
    """Pods that start meanwhile, with our entry or without it, are captured all the same."""
    with Rewriter(node.conf_file, node.primary) as rewriter:
        for name in ("during-1", "during-2"):
            node.api.put("pods", objects.pod(name, "mesh", NODE))
            address = node.add_sandbox("mesh", name, containerd)
            node.show_address("mesh", name, address)
    assert rewriter.writes > 3
    node.wait_whole()
    assert len(node.captured()) == 2
    node.wait_installed()
