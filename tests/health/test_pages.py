"""/healthz and /readyz."""

from __future__ import annotations

from node import Node, get
from support.installation import wait_until


LIMITED_CONNECTIVITY = 51  # the specification's code
WORDS = ("ok", "waiting", "not ok")
ZTUNNEL = """kind: Pod
metadata: {name: ztunnel, namespace: istio-system, labels: {app: ztunnel}}
spec: {nodeName: node-a, serviceAccountName: ztunnel}
status:
  phase: Running
  podIPs: [{ip: 10.9.9.9}]
  conditions: [{type: Ready, status: "True", lastTransitionTime: "2026-01-02T03:04:05Z"}]
"""


def ready_lines() -> dict[str, tuple[str, str]]:
    """What /readyz says of each condition: its word, and why."""
    status, text = get("/readyz")
    lines = {}
    for line in text.splitlines():
        word = next(word for word in WORDS if line.startswith(word + " "))
        name, _, trouble = line.removeprefix(word + " ").partition(": ")
        assert (word == "ok") == (trouble == ""), line
        lines[name] = word, trouble
    broken = any(word == "not ok" for word, _ in lines.values())
    assert status == (503 if broken else 200), text
    return lines


def word_of(condition: str) -> str:
    return ready_lines()[condition][0]


def test_the_pages_and_nothing_else(node: Node) -> None:
    with node.agent():
        assert get("/healthz") == (200, "ok\n")
        assert get("/healthz", "HEAD") == (200, "")
        assert get("/healthz", "POST")[0] == 405
        assert get("/")[0] == 404


def test_readiness_names_what_fails(node: Node) -> None:
    node.put_objects("kind: Pod\nmetadata: [")
    with node.agent() as agent:
        lines = ready_lines()
        assert list(lines) == ["source", "datapath", "installation", "socket", "health"]
        assert lines["source"][0] == "not ok" and lines["datapath"][0] == "waiting"
        node.put_objects("kind: Namespace\nmetadata: {name: default}\n")
        wait_until(lambda: word_of("source") == "ok", agent.process, "source")
        wait_until(lambda: word_of("installation") == "ok", agent.process, "installation")
        node.installation.write("10-flannel.conflist", "half-written {")
        wait_until(lambda: word_of("installation") == "not ok", agent.process, "not installed")


def test_who_only_waits_for_a_ztunnel_is_ready_for_a_rollout(node: Node) -> None:
    """`kubectl rollout status` and `helm --wait` of the CNI end before there is a ztunnel."""
    node.put_objects("kind: Namespace\nmetadata: {name: default}\n")
    with node.installed_agent() as agent:
        waiting = ready_lines()
        assert waiting["datapath"][0] == "waiting" and "no ztunnel" in waiting["datapath"][1]
        assert get("/readyz")[0] == 200
        # A ztunnel is needed on the pod network, so a runtime that asks must be let start it.
        assert node.cni_status() == 0
        node.put_objects(ZTUNNEL)  # that no device leads to
        wait_until(lambda: word_of("datapath") == "not ok", agent.process, "broken")
        assert get("/readyz")[0] == 503
        assert node.cni_status() == LIMITED_CONNECTIVITY
    assert node.cni_status() == 0, "the node is not taken out while an agent is replaced"


def test_an_api_server_that_is_away_is_no_reason_to_be_killed(cluster_node: Node, server) -> None:
    server.stop_listening()
    with cluster_node.agent() as agent:
        assert get("/healthz")[0] == 200
        assert word_of("source") == "not ok"
        assert cluster_node.cni_status() == 0, "what is captured stays so"
        server.listen()
        wait_until(lambda: word_of("source") == "ok", agent.process, "source")
