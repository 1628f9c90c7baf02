"""What becomes of the installation at SIGTERM: it goes only with the DaemonSet."""

from __future__ import annotations

from node import DAEMONSET, Node
from node import NAME as NODE
from support.fake_apiserver import objects
from support.fake_apiserver.faults import Answer

SPACE, NAME = DAEMONSET


def wait_seen(server) -> None:
    """Until the agent knows that its DaemonSet is there: later it may be gone."""

    def answered() -> bool:
        return any(seen.code == 200 for seen in server.requests("get", "daemonsets"))

    server.wait(answered, "the DaemonSet was read")


def test_while_the_daemonset_is_there_everything_stays(cluster_node: Node, server) -> None:
    server.put("daemonsets", objects.daemon_set(NAME, SPACE))
    server.put("nodes", objects.node(NODE))
    with cluster_node.installed_agent() as agent:
        installed = cluster_node.installation.files()
        lines = agent.stop()
    assert any('reason="the DaemonSet is there"' in line for line in lines), lines
    assert cluster_node.installation.files() == installed


def test_a_load_balancer_that_knows_no_backend_proves_nothing(cluster_node: Node, server) -> None:
    """It answers 404, as the API server does for a DaemonSet that is gone."""
    server.put("daemonsets", objects.daemon_set(NAME, SPACE))
    with cluster_node.installed_agent() as agent:
        wait_seen(server)
        installed = cluster_node.installation.files()
        page = Answer(404, {"Content-Type": "text/html"}, b"<h1>default backend - 404</h1>")
        server.fail(page, "get", "daemonsets", times=2)
        agent.stop()
    assert [seen.code for seen in server.requests("get", "daemonsets")] == [200, 404, 404, 200]
    assert cluster_node.installation.files() == installed


def test_a_node_that_the_daemonset_left_out_is_left(cluster_node: Node, server) -> None:
    """The DaemonSet is there, and its selector is another one: the pod of this node is deleted."""
    server.put("daemonsets", objects.daemon_set(NAME, SPACE))
    server.put("nodes", objects.node(NODE))
    with cluster_node.installed_agent() as agent:
        server.put("daemonsets", objects.daemon_set(NAME, SPACE, {"mesh": "yes"}))
        lines = agent.stop()
    assert any("leaves out this node" in line for line in lines), lines
    assert cluster_node.installation.files() == cluster_node.before


def test_when_the_daemonset_is_gone_everything_goes(cluster_node: Node, server) -> None:
    server.put("daemonsets", objects.daemon_set(NAME, SPACE))
    with cluster_node.installed_agent() as agent:
        wait_seen(server)
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
