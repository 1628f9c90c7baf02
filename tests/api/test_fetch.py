"""A pod that the watch has not shown yet is asked for once, within a bound."""

from __future__ import annotations

import time

from cluster import Cluster
from probe import Probe
from support.fake_apiserver import Answer, Hang, Late, objects

BOUND = 5.0  # seconds; the plugin itself waits longer


def test_found(cluster: Cluster, probe: Probe) -> None:
    with cluster.server.watches_held_back():
        cluster.put("three")
        assert probe.fetch("mesh/three") == "ok"
        probe.wait_enrolled("one", "two", "three")
    assert len(cluster.server.requests("get", "pods")) == 1


def test_found_with_its_namespace(cluster: Cluster, probe: Probe) -> None:
    with cluster.server.watches_held_back():
        cluster.relabel("new", ambient=True)
        cluster.server.put("pods", cluster.pod("three", "new"))
        assert probe.fetch("new/three") == "ok"
        probe.wait_enrolled("one", "two", "new/three")


def test_unknown_pod(cluster: Cluster, probe: Probe) -> None:
    assert probe.fetch("mesh/nobody") == "not_found"
    assert len(cluster.server.requests("get", "pods")) == 1


def test_pod_of_another_node(cluster: Cluster, probe: Probe) -> None:
    cluster.server.put("pods", cluster.pod("foreign", node="node-b"))
    assert probe.fetch("mesh/foreign") == "not_found"
    probe.assert_never_shown("foreign")


def test_api_server_away(cluster: Cluster, probe: Probe) -> None:
    cluster.server.stop_listening()
    began = time.monotonic()
    assert probe.fetch("mesh/three") == "unavailable"
    assert time.monotonic() - began < BOUND


def test_no_answer(cluster: Cluster, probe: Probe) -> None:
    cluster.server.fail(Hang(), "get")
    began = time.monotonic()
    assert probe.fetch("mesh/three") == "unavailable"
    assert time.monotonic() - began < BOUND


def test_server_error(cluster: Cluster, probe: Probe) -> None:
    cluster.server.fail(Answer.error(500), "get", times=10)
    assert probe.fetch("mesh/three") == "unavailable"


def test_same_pod_twice_is_one_request(cluster: Cluster, probe: Probe) -> None:
    cluster.server.fail(Hang(), "get")
    begun = probe.begin_fetch("mesh/three")
    cluster.server.wait_requests("get", "pods", 1)
    probe.begin_fetch("mesh/three")
    assert probe.wait_fetched(begun, 2) == ["unavailable"] * 2
    assert len(cluster.server.requests("get", "pods")) == 1


def test_what_the_watch_shows_later_wins(cluster: Cluster, probe: Probe) -> None:
    with cluster.server.watches_held_back():
        cluster.put("three")
        assert probe.fetch("mesh/three") == "ok"
        pod = cluster.server.get("pods", "mesh", "three")
        assert pod
        pod["status"] = objects.running("10.1.0.3", phase="Failed", ready=False)
        cluster.server.put("pods", pod)
    probe.wait_enrolled("one", "two")


def test_late_answer_does_not_undo_what_the_watch_said(cluster: Cluster, probe: Probe) -> None:
    late = Late()
    cluster.server.fail(late, "get", "pods")
    with cluster.server.watches_held_back():
        cluster.put("three")
        asked = probe.begin_fetch("mesh/three")
        cluster.server.wait_requests("get", "pods", 1)
        cluster.server.delete("pods", "mesh", "three")
        cluster.put("four")
    probe.wait_enrolled("one", "two", "four")
    cluster.server.release(late)
    probe.wait_fetched(asked, 1)
    assert probe.enrolled() == {"mesh/one", "mesh/two", "mesh/four"}


def test_found_while_the_list_is_under_way(cluster: Cluster) -> None:
    """The list is older than the pod: it must not drop it."""
    late = Late()
    cluster.server.fail(late, "list", "pods")
    with Probe(*cluster.kubeconfig()) as probe:
        cluster.server.wait_requests("list", "pods", 1)
        cluster.put("three")
        assert probe.fetch("mesh/three") == "ok"
        cluster.server.release(late)
        probe.wait_enrolled("three")
        probe.assert_never_dropped("three")


def test_gone_before_the_list_that_an_answer_crossed(cluster: Cluster, probe: Probe) -> None:
    """The answer is older than the list, and no watch will ever tell that the pod is gone."""
    answer, listed = Late(), Late()
    cluster.server.fail(answer, "get", "pods")
    cluster.server.fail(listed, "list", "pods")
    with cluster.server.watches_held_back():
        cluster.put("three")
        asked = probe.begin_fetch("mesh/three")
        cluster.server.wait_requests("get", "pods", 1)
        cluster.server.delete("pods", "mesh", "three")
        cluster.server.compact()
        cluster.server.break_watches("pods")
        cluster.server.wait_requests("list", "pods", 2)
        cluster.server.release(answer)
        assert probe.wait_fetched(asked, 1) == ["ok"]
        cluster.server.release(listed)
        cluster.server.wait_requests("get", "pods", 2)
    probe.wait_enrolled("one", "two")
