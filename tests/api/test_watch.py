"""The source follows watches: what it resumes from, what ends them, and what it does not believe."""

from __future__ import annotations

import json
import time

from cluster import Cluster
from probe import Probe
from support.fake_apiserver import Answer, BreakInEvent, Pieces, Silence, objects, status


def watches(cluster: Cluster, resource: str) -> list[dict[str, str]]:
    return [seen.query for seen in cluster.server.requests("watch", resource)]


def lists(cluster: Cluster) -> int:
    return len(cluster.server.requests("list"))


def test_pods_come_change_and_go(cluster: Cluster, probe: Probe) -> None:
    cluster.put("three")
    probe.wait_enrolled("one", "two", "three")
    cluster.server.put("pods", cluster.pod("one", phase="Succeeded"))
    probe.wait_enrolled("two", "three")
    cluster.server.delete("pods", "mesh", "two")
    probe.wait_enrolled("three")
    assert lists(cluster) == 2


def test_namespace_relabelled(cluster: Cluster, probe: Probe) -> None:
    cluster.relabel("mesh", ambient=False)
    probe.wait_enrolled()
    cluster.relabel("mesh", ambient=True)
    probe.wait_enrolled("one", "two")
    cluster.server.delete("namespaces", "", "mesh")
    probe.wait_enrolled()


def test_what_is_asked_for(cluster: Cluster, probe: Probe) -> None:
    """Pods of this node, namespaces as metadata only; watches that end before long, with bookmarks."""
    [pods], [spaces] = watches(cluster, "pods"), watches(cluster, "namespaces")
    assert pods["fieldSelector"] == "spec.nodeName=node-a"
    for query in (pods, spaces):
        assert query["allowWatchBookmarks"] == "true"
        assert 300 <= int(query["timeoutSeconds"]) <= 600
    for seen in cluster.server.requests(resource="namespaces"):
        assert "as=PartialObjectMetadata" in seen.request.headers["accept"]
        assert seen.request.headers["user-agent"].startswith("ambient-node-agent/")


def test_watch_end_resumes_without_a_list(cluster: Cluster, probe: Probe) -> None:
    cluster.put("three")
    version = cluster.server.version
    probe.wait_enrolled("one", "two", "three")
    cluster.server.end_watches("pods")
    cluster.server.wait_requests("watch", "pods", 2)
    assert watches(cluster, "pods")[1]["resourceVersion"] == str(version)
    assert lists(cluster) == 2
    cluster.put("four")
    probe.wait_enrolled("one", "two", "three", "four")


def test_bookmark_advances_the_resume_point(cluster: Cluster, probe: Probe) -> None:
    cluster.relabel("plain", ambient=True)  # a watch of pods sees nothing of it
    cluster.server.bookmark("pods")
    cluster.server.end_watches("pods")
    cluster.server.wait_requests("watch", "pods", 2)
    assert watches(cluster, "pods")[1]["resourceVersion"] == str(cluster.server.version)


def test_broken_watch_resumes_without_a_list(cluster: Cluster, probe: Probe) -> None:
    with cluster.server.watches_held_back():
        cluster.server.delete("pods", "mesh", "one")
        cluster.server.break_watches()
        cluster.server.wait_requests("watch", "pods", 2)
    probe.wait_enrolled("two")
    assert lists(cluster) == 2


def test_watch_that_ends_in_the_middle_of_an_object(cluster: Cluster, probe: Probe) -> None:
    """Neither half of it is taken, nor is it lost."""
    cluster.server.end_watches("pods")
    cluster.server.fail(BreakInEvent(), "watch", "pods")
    cluster.server.wait_requests("watch", "pods", 2)
    cluster.server.put("pods", cluster.pod("three"))
    probe.wait_enrolled("one", "two", "three")
    assert len(watches(cluster, "pods")) >= 3
    assert lists(cluster) == 2


def test_watch_that_died_without_a_word_is_ended(cluster: Cluster) -> None:
    """The server should have ended it long ago: after a margin we do."""
    cluster.put("one")
    cluster.server.fail(Silence(), "watch", "pods")
    patience = ("--watch-seconds", "1", "--watch-margin-ms", "500")
    with Probe(*cluster.kubeconfig(), *patience) as probe:
        probe.wait_enrolled("one")
        cluster.server.wait_requests("watch", "pods", 1)
        cluster.put("two")
        probe.wait_enrolled("one", "two")
    first, second = cluster.server.requests("watch", "pods")[:2]
    assert int(first.query["timeoutSeconds"]) < second.began - first.began < 10
    assert len(cluster.server.requests("list", "pods")) == 1


def test_half_dead_watch_is_ended(cluster: Cluster) -> None:
    """The connection lives, but not even a bookmark comes: noticed long before the watch's end."""
    cluster.put("one")
    cluster.server.fail(Silence(), "watch", "pods")
    with Probe(*cluster.kubeconfig(), "--watch-silence-ms", "700") as probe:
        probe.wait_enrolled("one")
        cluster.server.wait_requests("watch", "pods", 1)
        cluster.put("two")
        probe.wait_enrolled("one", "two")
        assert set(probe.stats()["watch_restarts"]["pods"]) == {"timeout"}
    assert len(cluster.server.requests("list", "pods")) == 1


def test_watch_that_tells_something_is_not_silent(cluster: Cluster) -> None:
    cluster.put("one")
    with Probe(*cluster.kubeconfig(), "--watch-silence-ms", "700") as probe:
        probe.wait_enrolled("one")
        cluster.server.wait_watched("namespaces", "pods")
        # Namespaces say nothing, pods do: by the time that the former is begun a third time the
        # latter was quiet for longer than allowed if its bookmarks did not count.
        deadline = time.monotonic() + 20
        while len(watches(cluster, "namespaces")) < 3:
            assert time.monotonic() < deadline
            cluster.server.bookmark("pods")
    assert len(watches(cluster, "pods")) == 1


def expire(cluster: Cluster, resource: str = "pods") -> None:
    cluster.server.fail(Answer.gone(), "watch", resource)
    cluster.server.break_watches(resource)


def test_list_after_an_expired_watch_is_served_from_a_cache(cluster: Cluster, probe: Probe) -> None:
    """Every node lists anew when an API server was started anew: not each of them from etcd."""
    cluster.put("three")
    probe.wait_enrolled("one", "two", "three")
    version = cluster.server.version
    expire(cluster)
    first, again = cluster.server.wait_requests("list", "pods", 2)
    assert "resourceVersion" not in first.query
    assert again.query["resourceVersion"] == str(version)
    assert again.query["resourceVersionMatch"] == "NotOlderThan"
    assert "limit" not in again.query  # chunks come from etcd


def test_list_that_lags_takes_nobody_out(cluster: Cluster, probe: Probe) -> None:
    """What the plugin asked for since is newer than that list: pod and namespace stay."""
    with cluster.server.watches_held_back():
        cluster.server.put("namespaces", objects.namespace("fresh"))
        cluster.relabel("fresh", ambient=True)
        cluster.server.put("pods", cluster.pod("three", "fresh"))
        assert probe.fetch("fresh/three") == "ok"
        cluster.server.let_lists_lag()
        for resource in ("pods", "namespaces"):
            expire(cluster, resource)
            cluster.server.wait_requests("list", resource, 2)
        cluster.server.wait_watched("namespaces", "pods")
    probe.wait_enrolled("mesh/one", "mesh/two", "fresh/three")
    cluster.server.delete("pods", "fresh", "three")
    probe.wait_enrolled("one", "two")
    assert "namespace_gone" not in probe.said()


def test_older_word_of_a_fetched_pod_is_passed_over(cluster: Cluster, probe: Probe) -> None:
    """A StatefulSet's pod of the same name: the watch still tells the end of the one before."""
    with cluster.server.watches_held_back("pods"):
        cluster.server.delete("pods", "mesh", "one")
        cluster.put("one")
        assert probe.fetch("mesh/one") == "ok"
    cluster.put("three")
    probe.wait_enrolled("one", "two", "three")
    probe.assert_never_dropped("one")


def test_list_that_goes_back_is_not_believed(cluster: Cluster, probe: Probe) -> None:
    body = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[]}'
    cluster.server.fail(Answer(200, body=body), "list", "pods")
    expire(cluster)
    third = cluster.server.wait_requests("list", "pods", 3)[2]
    assert "resourceVersion" not in third.query
    cluster.server.wait_watched("namespaces", "pods")
    probe.assert_never_dropped("one", "two")


def test_version_that_the_server_does_not_know(cluster: Cluster, probe: Probe) -> None:
    """Its data was restored from a backup: what is now counts."""
    cluster.server.fail(Answer.error(504, "Timeout"), "list", "pods")
    cluster.server.delete("pods", "mesh", "one")
    expire(cluster)
    third = cluster.server.wait_requests("list", "pods", 3)[2]
    assert "resourceVersion" not in third.query
    probe.wait_enrolled("two")


def test_410_as_http_status_lists_again(cluster: Cluster, probe: Probe) -> None:
    cluster.server.fail(Answer.gone(), "watch", "pods")
    cluster.server.delete("pods", "mesh", "one")
    cluster.server.break_watches("pods")
    cluster.server.wait_requests("list", "pods", 2)
    probe.wait_enrolled("two")


def test_410_as_error_event_lists_again(cluster: Cluster, probe: Probe) -> None:
    """At the start of a watch whose resource version is compacted away, and in the middle of one."""
    with cluster.server.watches_held_back():
        cluster.server.delete("pods", "mesh", "one")
        cluster.server.compact()
        cluster.server.break_watches("pods")
        cluster.server.wait_requests("list", "pods", 2)
    probe.wait_enrolled("two")
    cluster.server.wait_watched("namespaces", "pods")
    expired = json.dumps(status.expired_watch(1, 2))
    cluster.server.send_event("pods", "ERROR", expired)
    cluster.server.wait_requests("list", "pods", 3)


def test_other_errors_in_a_watch(cluster: Cluster, probe: Probe) -> None:
    """Whatever it was, nothing is lost."""
    failure = json.dumps(status.failure(500, "InternalError", "etcd has a bad day"))
    cluster.server.send_event("pods", "ERROR", failure)
    cluster.server.wait_requests("watch", "pods", 2)
    cluster.put("three")
    probe.wait_enrolled("one", "two", "three")


def test_pod_deleted_while_nobody_watched(cluster: Cluster, probe: Probe) -> None:
    """Compacted away: only the next list can tell that it is gone, by not showing it."""
    cluster.server.stop_listening()
    cluster.server.delete("pods", "mesh", "one")
    cluster.server.compact()
    cluster.server.listen()
    probe.wait_enrolled("two")
    assert len(cluster.server.requests("list", "pods")) == 2


def test_garbage_in_a_watch(cluster: Cluster, probe: Probe) -> None:
    for garbage in (b"\x00\xff{]\n", b'{"type":"ADDED"}\n', b'{"type":"WHAT","object":{}}\n', b"[]\n"):
        before = len(watches(cluster, "pods"))
        assert cluster.server.send_raw("pods", garbage) == 1
        cluster.server.end_watches("pods")
        cluster.server.wait_requests("watch", "pods", before + 1)
        cluster.server.wait_watched("namespaces", "pods")
    cluster.put("three")
    probe.wait_enrolled("one", "two", "three")
    probe.assert_never_dropped("one")


def test_events_twice(cluster: Cluster, probe: Probe) -> None:
    pod = cluster.server.get("pods", "mesh", "one")
    text = json.dumps({"kind": "Pod", "apiVersion": "v1", **(pod or {})})
    for kind in ("ADDED", "ADDED", "MODIFIED", "MODIFIED"):
        cluster.server.send_event("pods", kind, text)
    for _ in range(2):
        cluster.server.send_event("pods", "DELETED", text)
    probe.wait_enrolled("two")
    cluster.put("three")
    probe.wait_enrolled("two", "three")


def test_other_nodes_pods_are_passed_over(cluster: Cluster, probe: Probe) -> None:
    foreign = {"kind": "Pod", "apiVersion": "v1", **cluster.pod("foreign", node="node-b")}
    foreign["metadata"]["resourceVersion"] = str(cluster.server.version)
    cluster.server.send_event("pods", "ADDED", json.dumps(foreign))
    cluster.put("three")
    probe.wait_enrolled("one", "two", "three")
    probe.assert_never_shown("foreign")


def test_large_object(cluster: Cluster, probe: Probe) -> None:
    """Annotations of nearly as much as the API takes: 256 KiB."""
    note = {"example.org/note": "ä" * 100_000}
    cluster.server.put("pods", cluster.pod("large", annotations=note))
    probe.wait_enrolled("one", "two", "large")


def test_answers_in_tiny_pieces(cluster: Cluster) -> None:
    cluster.put("one")
    cluster.server.fail(Pieces(7), times=100)
    with Probe(*cluster.kubeconfig()) as probe:
        probe.wait_enrolled("one")
        note = {"example.org/note": 'ü€😀\\ "quoted"\n'}
        cluster.server.put("pods", cluster.pod("two", annotations=note))
        probe.wait_enrolled("one", "two")
