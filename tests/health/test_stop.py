"""What becomes of the installation at SIGTERM: it goes only with the DaemonSet."""

from __future__ import annotations

from node import DAEMONSET, Node
from support.fake_apiserver import objects

SPACE, NAME = DAEMONSET


def test_while_the_daemonset_is_there_everything_stays(cluster_node: Node, server) -> None:
    server.put("daemonsets", objects.daemon_set(NAME, SPACE))
    with cluster_node.installed_agent() as agent:
        installed = cluster_node.installation.files()
        lines = agent.stop()
    assert any("installation stays" in line for line in lines)
    assert cluster_node.installation.files() == installed


def test_when_the_daemonset_is_gone_everything_goes(cluster_node: Node, server) -> None:
    server.put("daemonsets", objects.daemon_set(NAME, SPACE))
    with cluster_node.installed_agent() as agent:
        server.delete("daemonsets", SPACE, NAME)
        lines = agent.stop()
    assert any("uninstalling" in line for line in lines)
    assert cluster_node.installation.files() == cluster_node.before


def test_when_the_daemonset_is_being_deleted_everything_goes(cluster_node: Node, server) -> None:
    terminating = objects.daemon_set(NAME, SPACE)
    terminating["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    server.put("daemonsets", terminating)
    with cluster_node.installed_agent() as agent:
        agent.stop()
    assert cluster_node.installation.files() == cluster_node.before


def test_who_is_told_twice_does_not_wait_for_an_answer(cluster_node: Node, server) -> None:
    server.put("daemonsets", objects.daemon_set(NAME, SPACE))
    with cluster_node.installed_agent() as agent:
        server.wait_requests("get", "daemonsets", 1)
        installed = cluster_node.installation.files()
        server.stop_listening()
        agent.process.terminate()
        agent.wait_for_line("stopping")
        agent.stop()
    assert cluster_node.installation.files() == installed


def test_an_agent_of_no_daemonset_stays(node: Node) -> None:
    with node.installed_agent() as agent:
        installed = node.installation.files()
        agent.stop()
    assert node.installation.files() == installed
