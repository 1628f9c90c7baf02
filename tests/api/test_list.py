"""The source lists what it does not know yet: in chunks, again after failures, and without ever
taking half a list for the whole."""

from __future__ import annotations

from itertools import pairwise

from cluster import Cluster
from probe import Probe
from support.fake_apiserver import Answer, Break, Compact, Hang, objects

CHUNK = 500


def many_namespaces(cluster: Cluster, count: int) -> None:
    cluster.server.put("namespaces", *(objects.namespace(f"space-{i:05}") for i in range(count)))


def gaps(cluster: Cluster, resource: str) -> list[float]:
    """Seconds between its list requests, by the server's clock."""
    times = [seen.began for seen in cluster.server.requests("list", resource)]
    return [after - before for before, after in pairwise(times)]


def test_chunked_list(cluster: Cluster) -> None:
    many_namespaces(cluster, 2 * CHUNK + 10)
    cluster.relabel("zzz-last", ambient=True)
    cluster.server.put("pods", *(cluster.pod(f"pod-{i:03}", "plain") for i in range(CHUNK)))
    cluster.server.put("pods", cluster.pod("last", "zzz-last"))
    with Probe(*cluster.kubeconfig()) as probe:
        probe.wait_enrolled("last", space="zzz-last")
    chunks = cluster.server.requests("list", "namespaces")
    assert [seen.query["limit"] for seen in chunks] == [str(CHUNK)] * 3
    assert ["continue" in seen.query for seen in chunks] == [False, True, True]
    assert len(cluster.server.requests("list", "pods")) == 2


def test_expired_continue_token_starts_the_list_anew(cluster: Cluster) -> None:
    many_namespaces(cluster, CHUNK + 10)
    cluster.put("one")
    cluster.server.fail(Compact(), "list", "namespaces", continued=True)
    with Probe(*cluster.kubeconfig()) as probe:
        probe.wait_enrolled("one")
    codes = [seen.code for seen in cluster.server.requests("list", "namespaces")]
    assert codes[:2] == [200, 410] and set(codes[2:]) == {200}
    assert "continue" not in cluster.server.requests("list", "namespaces")[2].query


def test_continue_token_of_another_server_starts_the_list_anew(cluster: Cluster) -> None:
    many_namespaces(cluster, CHUNK + 10)
    cluster.put("one")
    cluster.server.fail(Answer.error(400, "BadRequest"), "list", "namespaces", continued=True)
    with Probe(*cluster.kubeconfig()) as probe:
        probe.wait_enrolled("one")
    chunks = cluster.server.requests("list", "namespaces")
    assert ["continue" in seen.query for seen in chunks] == [False, True, False, True]


def test_nobody_is_decided_about_before_all_is_known(cluster: Cluster) -> None:
    cluster.put("one")
    cluster.server.fail(Answer.error(503), "list", "namespaces", times=2)
    with Probe(*cluster.kubeconfig()) as probe:
        cluster.server.wait_requests("list", "namespaces", 2)
        assert not probe.complete()
        probe.wait_enrolled("one")
        assert probe.complete()


def test_list_broken_in_the_middle_drops_nothing(cluster: Cluster, probe: Probe) -> None:
    cluster.server.fail(Break(4_000), "list", "pods", times=2)
    with cluster.server.watches_held_back():
        cluster.server.delete("pods", "mesh", "two")
        cluster.server.compact()
        cluster.server.break_watches("pods")
        cluster.server.wait_requests("list", "pods", 3)
        assert probe.enrolled() == {"mesh/one", "mesh/two"}
    probe.wait_enrolled("one")
    probe.assert_never_dropped("one")


def test_garbage_instead_of_a_list_drops_nothing(cluster: Cluster, probe: Probe) -> None:
    bodies = (b"", b"<html>", b"[]", b'{"kind":"PodList"', b'{"kind":"NamespaceList","items":[]}')
    for body in bodies:
        cluster.server.fail(Answer(200, body=body), "list", "pods")
    cluster.server.compact()
    cluster.server.break_watches("pods")
    cluster.server.wait_requests("list", "pods", 2 + len(bodies), timeout=30)
    cluster.server.wait_watched("namespaces", "pods")
    probe.assert_never_dropped("one", "two")


def test_429_waits_as_long_as_told(cluster: Cluster) -> None:
    cluster.put("one")
    cluster.server.fail(Answer.too_many_requests(2), "list", "pods")
    with Probe(*cluster.kubeconfig()) as probe:
        probe.wait_enrolled("one")
    [gap] = gaps(cluster, "pods")
    assert 2.0 <= gap < 6.0


def test_429_to_a_watch_waits_as_long_as_told(cluster: Cluster, probe: Probe) -> None:
    cluster.server.fail(Answer.too_many_requests(2), "watch", "pods")
    cluster.server.end_watches("pods")
    seen = cluster.server.wait_requests("watch", "pods", 3)
    assert 2.0 <= seen[2].began - seen[1].began < 6.0


def test_a_fetch_does_not_cut_a_retry_after_short(cluster: Cluster, probe: Probe) -> None:
    """That one request was answered does not mean that the server takes all of them."""
    cluster.server.fail(Answer.too_many_requests(2), "watch", "pods")
    cluster.server.end_watches("pods")
    cluster.server.wait(
        lambda: cluster.server.requests("watch", "pods")[-1].code == 429, "the refusal"
    )
    assert probe.fetch("mesh/one") == "ok"
    seen = cluster.server.wait_requests("watch", "pods", 3)
    assert seen[2].began - seen[1].began >= 2.0


def test_5xx_backs_off_longer_and_longer(cluster: Cluster) -> None:
    """With jitter: two resources that fail alike do not retry alike. Afterwards all is forgotten."""
    cluster.put("one")
    cluster.server.fail(Answer.error(503), "list", "pods", times=5)
    cluster.server.fail(Answer.error(500), "list", "namespaces", times=5)
    with Probe(*cluster.kubeconfig()) as probe:
        probe.wait_enrolled("one", timeout=40)
        pods, spaces = gaps(cluster, "pods"), gaps(cluster, "namespaces")
        cluster.server.wait_watched("namespaces", "pods")
        cluster.put("two")
        probe.wait_enrolled("one", "two")  # the watch works
        cluster.server.fail(Answer.error(503), "watch", "pods")
        cluster.server.end_watches("pods")
        seen = cluster.server.wait_requests("watch", "pods", 3)
    assert min(pods + spaces) > 0.05
    assert sum(pods[3:]) > 2 * sum(pods[:2]), pods
    assert any(abs(a - b) > 0.02 for a, b in zip(pods, spaces, strict=True)), (pods, spaces)
    assert seen[2].began - seen[1].began < 1.5


def test_connection_broken_before_the_answer(cluster: Cluster) -> None:
    cluster.put("one")
    cluster.server.fail(Break(), "list", times=3)
    with Probe(*cluster.kubeconfig()) as probe:
        probe.wait_enrolled("one")


def test_list_without_an_answer(cluster: Cluster) -> None:
    cluster.put("one")
    cluster.server.fail(Hang(), "list", times=2)
    with Probe(*cluster.kubeconfig(), "--list-ms", "500") as probe:
        probe.wait_enrolled("one")


def test_api_server_away_changes_nothing(cluster: Cluster, probe: Probe) -> None:
    cluster.server.stop_listening()
    cluster.server.delete("pods", "mesh", "two")
    probe.wait_trouble()
    assert probe.enrolled() == {"mesh/one", "mesh/two"}
    cluster.server.listen()
    probe.wait_enrolled("one")
    probe.assert_never_dropped("one")


def test_api_server_not_there_yet(cluster: Cluster) -> None:
    cluster.put("one")
    cluster.server.stop_listening()
    with Probe(*cluster.kubeconfig()) as probe:
        probe.wait_trouble()
        cluster.server.listen()
        probe.wait_enrolled("one")


def test_forbidden_is_tried_again(cluster: Cluster) -> None:
    """The role may be bound a little after the agent has started."""
    cluster.put("one")
    cluster.server.forbid(("list", "pods"))
    with Probe(*cluster.kubeconfig()) as probe:
        cluster.server.wait_requests("list", "pods", 2)
        probe.wait_trouble("forbidden")
        cluster.server.forbid()
        probe.wait_enrolled("one")
