"""/healthz and /readyz."""

from __future__ import annotations

from node import Node, get
from support.installation import wait_until


def ready_lines() -> dict[str, str]:
    """What /readyz says of each condition; "" is met."""
    status, text = get("/readyz")
    lines = {}
    for line in text.splitlines():
        met = line.startswith("ok ")
        name, _, trouble = line.removeprefix("not ").removeprefix("ok ").partition(": ")
        assert met == (trouble == ""), line
        lines[name] = trouble
    assert status == (200 if not any(lines.values()) else 503)
    return lines


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
        assert list(lines) == ["source", "datapath", "installation"]
        assert lines["source"] and lines["datapath"]
        node.put_objects("kind: Namespace\nmetadata: {name: default}\n")
        wait_until(lambda: not ready_lines()["source"], agent.process, "source")
        assert "no ztunnel" in ready_lines()["datapath"]
        wait_until(lambda: not ready_lines()["installation"], agent.process, "installation")
        node.installation.write("10-flannel.conflist", "half-written {")
        wait_until(lambda: bool(ready_lines()["installation"]), agent.process, "not installed")


def test_an_api_server_that_is_away_is_no_reason_to_be_killed(cluster_node: Node, server) -> None:
    server.stop_listening()
    with cluster_node.agent() as agent:
        assert get("/healthz")[0] == 200
        assert ready_lines()["source"]
        server.listen()
        wait_until(lambda: not ready_lines()["source"], agent.process, "source")
