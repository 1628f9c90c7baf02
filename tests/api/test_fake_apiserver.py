"""The stand-in does what Kubernetes documents ("Kubernetes API Concepts"), and what was seen of
kube-apiserver 1.33: the tests of our source are worth as much as this."""

from __future__ import annotations

import http.client
import json
import ssl

import pytest

from api_client import PARTIAL, PARTIAL_LIST, Client
from support.fake_apiserver import Answer, Break, BreakInEvent, FakeApiServer, objects

PODS, SPACES = "/api/v1/pods", "/api/v1/namespaces"


@pytest.fixture
def client(server: FakeApiServer) -> Client:
    return Client(server)


def put_spaces(server: FakeApiServer, count: int) -> None:
    server.put("namespaces", *(objects.namespace(f"space-{i}") for i in range(count)))


def put_pod(server: FakeApiServer, name: str, node: str, **more: str) -> None:
    server.put("pods", objects.pod(name, "space", node, "10.1.1.1", **more))


def names(answer: dict) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


def test_only_who_is_known_gets_in(server: FakeApiServer, client: Client) -> None:
    assert Client(server, token=None).ask("GET", PODS)[0] == 401
    assert Client(server, token="wrong").ask("GET", PODS)[1]["reason"] == "Unauthorized"
    by_certificate = Client(server, token=None)
    by_certificate.tls.load_cert_chain(*server.authority.client("system:node:a", "system:nodes"))
    assert by_certificate.ask("GET", PODS)[0] == 200
    server.set_tokens("second")
    assert client.ask("GET", PODS)[0] == 401
    with pytest.raises(ssl.SSLCertVerificationError):
        client.tls = ssl.create_default_context()
        client.ask("GET", PODS)


def test_list_by_field_selector(server: FakeApiServer, client: Client) -> None:
    put_pod(server, "one", "node-a")
    put_pod(server, "two", "node-b")
    code, answer = client.ask("GET", PODS, fieldSelector="spec.nodeName=node-a")
    assert (code, answer["kind"], names(answer)) == (200, "PodList", ["one"])
    assert answer["metadata"]["resourceVersion"] == str(server.version)
    assert "kind" not in answer["items"][0]
    assert 6000 < len(json.dumps(answer["items"][0])) < 10000
    assert client.ask("GET", PODS, fieldSelector="spec.what=x")[0] == 400
    assert client.ask("GET", "/api/v1/namespaces/space/pods/one")[1]["kind"] == "Pod"
    code, answer = client.ask("GET", "/api/v1/namespaces/space/pods/three")
    assert (code, answer["kind"], answer["reason"]) == (404, "Status", "NotFound")


def test_metadata_only_by_accept_header(server: FakeApiServer, client: Client) -> None:
    put_spaces(server, 1)
    accept = PARTIAL_LIST + ",application/json"
    _, answer = client.ask("GET", SPACES, accept=accept)
    assert answer["kind"] == "PartialObjectMetadataList"
    assert answer["items"][0]["kind"] == "PartialObjectMetadata"
    assert "spec" not in answer["items"][0]
    assert client.ask("GET", SPACES, accept="application/json")[1]["kind"] == "NamespaceList"
    assert client.ask("GET", SPACES + "/space-0", accept=PARTIAL)[1].keys() == {
        "kind", "apiVersion", "metadata",
    }  # fmt: skip
    for wrong in (PARTIAL, "text/html"):
        code, answer = client.ask("GET", SPACES, accept=wrong)
        assert (code, answer["reason"]) == (406, "NotAcceptable")


def test_chunks_show_the_list_as_it_was(server: FakeApiServer, client: Client) -> None:
    put_spaces(server, 5)
    _, first = client.ask("GET", SPACES, limit=2)
    assert first["metadata"]["remainingItemCount"] == 3
    server.delete("namespaces", "", "space-4")
    _, rest = client.ask("GET", SPACES, limit=9, **{"continue": first["metadata"]["continue"]})
    assert names(first) + names(rest) == [f"space-{i}" for i in range(5)]
    assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}


def test_expired_continue_token(server: FakeApiServer, client: Client) -> None:
    put_spaces(server, 3)
    _, first = client.ask("GET", SPACES, limit=1)
    server.compact()
    server.delete("namespaces", "", "space-1")
    code, answer = client.ask("GET", SPACES, **{"continue": first["metadata"]["continue"]})
    assert (code, answer["reason"]) == (410, "Expired")
    _, rest = client.ask("GET", SPACES, **{"continue": answer["metadata"]["continue"]})
    assert names(rest) == ["space-2"]  # what is there now, not what was
    assert client.ask("GET", SPACES, **{"continue": "nonsense"})[0] == 400


def test_watch_from_a_version(server: FakeApiServer, client: Client) -> None:
    put_pod(server, "one", "node-a")
    version = str(server.version)
    put_pod(server, "two", "node-b")
    put_pod(server, "three", "node-a")
    put_pod(server, "one", "node-a", phase="Failed")
    server.delete("pods", "space", "one")
    watch = client.watch(PODS, version, fieldSelector="spec.nodeName=node-a")
    seen = [watch.next() for _ in range(3)]
    assert [(kind, pod["metadata"]["name"]) for kind, pod in seen] == [
        ("ADDED", "three"),
        ("MODIFIED", "one"),
        ("DELETED", "one"),
    ]
    assert seen[2][1]["metadata"]["resourceVersion"] == str(server.version)
    put_pod(server, "four", "node-a")
    assert watch.next()[1]["metadata"]["name"] == "four"
    watch.close()


def test_object_that_stops_matching_is_deleted_for_the_watch(
    server: FakeApiServer, client: Client
) -> None:
    put_pod(server, "one", "node-a")
    watch = client.watch(PODS, str(server.version), fieldSelector="status.phase=Running")
    put_pod(server, "one", "node-a", phase="Succeeded")
    assert watch.next()[0] == "DELETED"
    watch.close()


def test_watch_of_metadata(server: FakeApiServer, client: Client) -> None:
    version = str(server.version)
    put_spaces(server, 1)
    watch = client.watch(SPACES, version, accept=PARTIAL)
    assert watch.next()[1]["kind"] == "PartialObjectMetadata"
    watch.close()
    assert client.watch(SPACES, version, accept=PARTIAL_LIST).next() is None


def test_watch_without_version_tells_everything_first(
    server: FakeApiServer, client: Client
) -> None:
    put_spaces(server, 2)
    watch = client.watch(SPACES, "")
    assert [watch.next()[0] for _ in range(2)] == ["ADDED", "ADDED"]
    watch.close()


def test_bookmarks_only_when_asked_for(server: FakeApiServer, client: Client) -> None:
    asked = client.watch(PODS, str(server.version), allowWatchBookmarks="true")
    silent = client.watch(PODS, str(server.version))
    put_spaces(server, 1)  # nothing that a watch of pods shows, but the version moves
    assert server.bookmark("pods") == 2
    kind, bookmark = asked.next()
    assert (kind, bookmark["metadata"]["resourceVersion"]) == ("BOOKMARK", str(server.version))
    server.end_watches("pods")
    assert (asked.next(), silent.next()) == (None, None)


def test_held_back_changes_come_later(server: FakeApiServer, client: Client) -> None:
    watch = client.watch(PODS, str(server.version), allowWatchBookmarks="true")
    with server.watches_held_back():
        put_pod(server, "one", "node-a")
        server.bookmark("pods")
        assert watch.next()[0] == "BOOKMARK"
    assert watch.next()[0] == "ADDED"
    watch.close()


def test_watch_ends_at_its_timeout(server: FakeApiServer, client: Client) -> None:
    assert client.watch(PODS, str(server.version), timeoutSeconds=1).next() is None


def test_watch_from_a_compacted_version(server: FakeApiServer, client: Client) -> None:
    version = str(server.version)
    server.compact()
    watch = client.watch(PODS, version)
    kind, answer = watch.next()
    assert (kind, answer["kind"], answer["code"], answer["reason"]) == (
        "ERROR", "Status", 410, "Expired",
    )  # fmt: skip
    assert watch.next() is None


def test_list_from_the_future(server: FakeApiServer, client: Client) -> None:
    code, answer = client.ask("GET", PODS, resourceVersion=server.version + 1)
    assert (code, answer["details"]["causes"][0]["reason"]) == (504, "ResourceVersionTooLarge")


def annotations(server: FakeApiServer) -> dict[str, str]:
    pod = server.get("pods", "space", "one")
    assert pod
    return pod["metadata"]["annotations"]


def test_patches(server: FakeApiServer, client: Client) -> None:
    put_pod(server, "one", "node-a", uid="right")
    path = "/api/v1/namespaces/space/pods/one"

    def merge(**metadata: object) -> int:
        return client.ask("PATCH", path, {"metadata": metadata})[0]

    assert merge(annotations={"a": "1"}, uid="right") == 200
    assert annotations(server)["a"] == "1"
    assert merge(annotations={"a": "2"}, uid="wrong") == 422
    assert merge(annotations={"a": "2"}, resourceVersion="1") == 409
    test = {"op": "test", "path": "/metadata/annotations/a", "value": "2"}
    remove = {"op": "remove", "path": "/metadata/annotations/a"}
    assert client.ask("PATCH", path, [test, remove])[0] == 422
    assert annotations(server)["a"] == "1"
    assert client.ask("PATCH", path, [test | {"value": "1"}, remove])[0] == 200
    assert "a" not in annotations(server)
    version = server.version
    assert merge(annotations={"a": None}) == 200
    assert server.version == version, "a patch that changes nothing writes nothing"
    assert client.ask("PATCH", path + "x", {})[0] == 404


def test_what_belongs_to_the_other_is_not_written(server: FakeApiServer, client: Client) -> None:
    """A pod's status is written by its subresource, everything else by the pod; metadata by both."""
    put_pod(server, "one", "node-a")
    path = "/api/v1/namespaces/space/pods/one"
    before = server.get("pods", "space", "one")
    metadata = {"annotations": {"a": "1"}, "labels": {"b": "2"}, "ownerReferences": []}
    spec, state = {"containers": [{"name": "app", "image": "evil"}]}, {"phase": "Failed"}
    everything = {"metadata": metadata, "spec": spec, "status": state}
    assert client.ask("PATCH", f"{path}/status", everything)[0] == 200
    written = server.get("pods", "space", "one")
    assert written["spec"] == before["spec"]
    assert written["metadata"]["ownerReferences"] == before["metadata"]["ownerReferences"]
    assert (written["metadata"]["annotations"]["a"], written["metadata"]["labels"]["b"]) == ("1", "2")
    assert written["status"]["phase"] == "Failed"
    assert client.ask("PATCH", path, everything | {"status": {"phase": "Running"}})[0] == 200
    written = server.get("pods", "space", "one")
    assert written["spec"]["containers"] == spec["containers"]
    assert written["status"]["phase"] == "Failed"
    with client.open("PATCH", f"{path}/binding", everything) as answer:
        assert answer.status == 404


def test_a_subresource_is_a_right_of_its_own(server: FakeApiServer, client: Client) -> None:
    put_pod(server, "one", "node-a")
    server.forbid(("patch", "pods"))
    path = "/api/v1/namespaces/space/pods/one"
    assert client.ask("PATCH", path, {})[0] == 403
    assert client.ask("PATCH", f"{path}/status", {})[0] == 200


def test_events(server: FakeApiServer, client: Client) -> None:
    event = {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"generateName": "one."},
        "involvedObject": {"kind": "Pod", "namespace": "space", "name": "one"},
    }
    path = "/api/v1/namespaces/space/events"
    assert client.ask("POST", path, event)[0] == 201
    event["metadata"] = {"name": "same"}
    assert [client.ask("POST", path, event)[0] for _ in range(2)] == [201, 409]
    assert len(server.all("events")) == 2


def test_forbidden(server: FakeApiServer, client: Client) -> None:
    server.forbid(("list", "pods"))
    assert client.ask("GET", PODS)[1]["reason"] == "Forbidden"
    assert client.ask("GET", SPACES)[0] == 200


def test_faults_strike_as_often_as_they_should(server: FakeApiServer, client: Client) -> None:
    server.fail(Answer.too_many_requests(3), "list", "pods", times=2)
    with client.open("GET", PODS) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    assert client.ask("GET", SPACES)[0] == 200
    with client.open("GET", PODS) as answer:
        assert answer.status == 429
    assert client.ask("GET", PODS)[0] == 200


def test_broken_connections(server: FakeApiServer, client: Client) -> None:
    put_spaces(server, 20)
    server.fail(Break(), "list")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, ssl.SSLError)):
        client.ask("GET", SPACES)
    server.fail(Break(3000), "list")
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ssl.SSLError)):
        client.ask("GET", SPACES)
    server.fail(BreakInEvent(), "watch")
    watch = client.watch(PODS, str(server.version))
    put_pod(server, "one", "node-a")
    with pytest.raises((json.JSONDecodeError, http.client.IncompleteRead, OSError)):
        watch.next()


def test_stopped_and_started_on_the_same_port(server: FakeApiServer, client: Client) -> None:
    put_spaces(server, 1)
    server.stop_listening()
    with pytest.raises(ConnectionRefusedError):
        client.ask("GET", SPACES)
    server.listen()
    assert names(client.ask("GET", SPACES)[1]) == ["space-0"]


def test_gone_clients_leave_no_watch(server: FakeApiServer, client: Client) -> None:
    watch = client.watch(PODS, str(server.version))
    server.wait_watched("pods")
    watch.close()
    server.wait_watched()


def test_delete_by_preconditions(server: FakeApiServer, client: Client) -> None:
    put_pod(server, "one", "node-a")
    path = "/api/v1/namespaces/space/pods/one"
    metadata = client.ask("GET", path)[1]["metadata"]

    def delete(**preconditions: str) -> tuple[int, str]:
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        code, answer = client.ask("DELETE", path, body=options)
        return code, answer.get("reason", "")

    assert delete(uid="another") == (409, "Conflict")
    assert delete(uid=metadata["uid"], resourceVersion="1") == (409, "Conflict")
    assert client.ask("GET", path)[0] == 200
    assert delete(uid=metadata["uid"], resourceVersion=metadata["resourceVersion"])[0] == 200
    assert delete()[0] == 404
