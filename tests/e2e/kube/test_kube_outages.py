"""What a node goes through: the API server away, the agent restarted, the CNI configuration
overwritten, a reboot, and the end of it all."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from support.fake_apiserver import objects
from support.kernel_events import KernelEvents
from support.kernel_view import snapshot
from support.kube.kube_node import DAEMON_SET, NODE, KubeNode
from support.kube.libcni import AddRefused
from support.kube.rewriter import Rewriter

ADD_LIMIT = 40.0  # seconds that a refused ADD may take, on an emulated CPU


def test_api_server_away(node: KubeNode) -> None:
    """The datapath stays and is repaired; pods that are known start, others are tried again."""
    first = node.start_pod("mesh", "first")
    node.wait_captured(first)
    node.api.put("pods", objects.pod("known", "mesh", NODE))
    last = node.start_pod("mesh", "last")  # the watch has shown `known`
    node.wait_captured(last)
    node.api.stop_listening()
    try:
        known = node.add_sandbox("mesh", "known")
        assert known in node.captured()
        began = time.monotonic()
        with pytest.raises(AddRefused, match="ambient-cni"):
            node.add_sandbox("mesh", "unknown")
        assert time.monotonic() - began < ADD_LIMIT
        node.netns.ip(f"route del {first} table 100")
        node.wait_captured(first)
        node.remove_sandbox("mesh", "last")
        assert node.captured() == {first, known}
    finally:
        node.api.listen()
    node.api.delete("pods", "mesh", "last")
    node.show_address("mesh", "known", known)
    node.put_namespace("mesh", ambient=False)
    node.wait_whole()
    assert node.captured() == set()


def test_restarted_agent_writes_nothing(node: KubeNode) -> None:
    address = node.start_pod("mesh", "stays")
    node.wait_captured(address)
    node.wait_whole()
    node.agent.stop()
    with KernelEvents(node.netns) as events:
        node.agent.start()
        node.agent.wait_ready()
        assert not events.wait(0), "the node's kernel state was written"
    assert address in node.captured()


def test_changes_while_the_agent_was_away(node: KubeNode) -> None:
    stays = node.start_pod("mesh", "stays")
    leaves = node.start_pod("plain", "leaves")
    node.wait_captured(stays)
    node.agent.stop()
    node.put_namespace("mesh", ambient=False)
    node.put_namespace("plain", ambient=True)
    assert stays in node.captured(), "an agent that is gone leaves the datapath"
    node.agent.start()
    node.wait_captured(leaves)
    node.wait_captured(stays, False)


def test_plugin_deleted_is_copied_again(node: KubeNode) -> None:
    (node.bin_dir / "ambient-cni").unlink()
    node.wait_installed()


def wipe(node: KubeNode) -> None:
    """Everything of ours in the node's kernel is gone, as after a boot."""
    node.netns.command("nft", "delete", "table", "inet", "ambient")
    node.netns.ip("link del istioin", "link del istioout", "route flush table 100")
    rules = json.loads(node.netns.command("ip", "-json", "rule"))
    node.netns.ip(*(f"rule del priority {rule['priority']}" for rule in rules
                    if rule["priority"] not in (0, 32766, 32767)))  # fmt: skip


def test_reboot_enrols_every_pod(node: KubeNode) -> None:
    """The primary CNI has overwritten its file at boot, and pods have started before the agent."""
    addresses = {node.start_pod("mesh", f"before-{i}") for i in range(2)}
    node.agent.stop()
    wipe(node)
    Rewriter(node.conf_file, node.primary).write()
    addresses.add(node.start_pod("mesh", "without-us"))
    assert node.captured() == set()
    node.agent.start()
    node.agent.wait_ready()
    node.wait_whole()
    assert node.captured() == addresses
    node.wait_installed()


def assert_as_without_us(node: KubeNode) -> None:
    assert node.conf_file.read_text() == node.primary
    assert [path.name for path in node.conf_dir.iterdir()] == [node.conf_file.name]
    assert not (node.bin_dir / "ambient-cni").exists()
    assert not node.agent.socket.exists()
    assert node.captured() == set()
    left = snapshot(node.netns)
    assert "ambient" not in str(left["filter"]) and "istio" not in str(left["devices"])
    assert [line.split(":")[0] for line in left["rules"]] == ["0", "32766", "32767"]


def install_again(node: KubeNode) -> None:
    node.agent.start()
    node.agent.wait_ready()
    node.wait_installed()


def test_uninstall_leaves_the_node_as_without_us(node: KubeNode) -> None:
    node.wait_captured(node.start_pod("mesh", "stays"))
    node.wait_redirection("mesh", "stays", "enabled")
    node.agent.stop()
    assert node.chain() == ["ptp", "ambient-cni"], "an agent that is stopped leaves its entry"
    assert node.redirection("mesh", "stays") == "enabled"
    node.agent.uninstall()
    try:
        assert_as_without_us(node)
        assert node.redirection("mesh", "stays") is None
    finally:
        install_again(node)


def test_agent_stopped_after_its_daemonset_was_deleted_uninstalls(node: KubeNode) -> None:
    node.wait_captured(node.start_pod("mesh", "stays"))
    node.wait_redirection("mesh", "stays", "enabled")
    node.api.delete("daemonsets", *DAEMON_SET)
    node.agent.stop()
    try:
        assert_as_without_us(node)
        assert node.redirection("mesh", "stays") is None
    finally:
        node.put_daemon_set()
        install_again(node)


def test_dry_run_has_nothing_to_do(node: KubeNode) -> None:
    node.start_pod("mesh", "one")
    node.wait_whole()
    done: subprocess.CompletedProcess[str] = node.agent.dry_run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing to do" in done.stdout + done.stderr
