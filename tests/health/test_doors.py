"""Every way to the agent: what takes it away, and that it comes back."""

from __future__ import annotations

import contextlib
import fcntl
import json
import resource
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from node import PORT, Node, get
from support.fake_apiserver import objects
from support.installation import Agent, wait_until
from test_metrics import value
from test_pages import ready_lines


class Plugin:
    """Asks what the runtime's STATUS asks."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(20)
        self._socket.connect(str(path))
        self._socket.send(json.dumps({"verb": "status"}).encode())

    def answered(self, within: float) -> bool:
        return bool(select.select([self._socket], [], [], within)[0])


def reached(path: Path) -> bool:
    try:
        return Plugin(path).answered(20)
    except (FileNotFoundError, ConnectionRefusedError):
        return False


@pytest.fixture
def path(node: Node) -> Path:
    return Path(node.installation.config["socket"])


@pytest.fixture
def agent(node: Node, path: Path) -> Iterator[Agent]:
    with node.agent() as agent:
        wait_until(lambda: reached(path), agent.process, "serving")
        yield agent


def test_a_socket_that_was_removed_is_made_again(agent: Agent, path: Path) -> None:
    for _ in range(2):
        path.unlink()
        wait_until(lambda: reached(path), agent.process, "made again")
    path.rename(path.with_name("moved"))
    wait_until(lambda: reached(path), agent.process, "made again")
    assert ready_lines()["socket"] == ("ok", "")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_stands_in_the_sockets_place_is_named(agent: Agent, path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("somebody else's")
    (tmp_path / "other").rename(path)
    wait_until(lambda: str(path) in ready_lines()["socket"][1], agent.process, "not ready")
    assert path.read_text() == "somebody else's"
    path.unlink()
    wait_until(lambda: reached(path), agent.process, "made again")
    assert ready_lines()["socket"] == ("ok", "")


def test_a_taken_port_is_waited_for(node: Node, path: Path) -> None:
    with socket.create_server(("127.0.0.1", PORT)), node.installation.agent("env") as agent:
        agent.wait_for_line("health port not open", "Address already in use")
        wait_until(lambda: reached(path), agent.process, "serving")
        agent.wait_for_line('event="installed on this node"')
    with socket.create_server(("127.0.0.1", PORT)) as other, node.installation.agent("env") as agent:
        agent.wait_for_line("health port not open")
        other.close()
        wait_until(lambda: answers_health(), agent.process, "the port is ours")
        assert ready_lines()["health"] == ("ok", "")


def answers_health() -> bool:
    with contextlib.suppress(ConnectionError):
        return get("/healthz")[0] == 200
    return False


def test_out_of_descriptors_it_pauses(agent: Agent, path: Path) -> None:
    pid = agent.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    # As many as are open: descriptors are numbered from 0 without a gap but for what was closed.
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    plugin = Plugin(path)
    agent.wait_for_line("connection refused", "Too many open files")
    assert not plugin.answered(1)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert plugin.answered(20)
    told = [line for line in agent.stop() if "connection refused" in line]
    assert len(told) == 1, told[:5]


def touch(node: Node, number: int) -> None:
    """Another error, so another line of the log."""
    node.put_objects("kind: Pod\n" + "\n" * number + "metadata: [")


def test_a_log_that_nobody_reads_any_more(node: Node) -> None:
    """The reader is gone: SIGPIPE."""
    with node.agent() as agent:
        agent.wait_for_line("serving")
        assert agent.process.stderr
        agent.process.stderr.close()
        agent.process.stderr = None
        for number in range(20):
            touch(node, number)
            assert get("/healthz")[0] == 200
        agent.process.terminate()
        assert agent.process.wait(20) == 0


def test_a_log_whose_reader_stands_still(node: Node) -> None:
    """The pipe is full: writing would block."""
    with node.agent() as agent:
        agent.wait_for_line("serving")
        assert agent.process.stderr
        room = fcntl.fcntl(agent.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        for number in range(2 * room // 50):
            touch(node, number)
            assert get("/healthz")[0] == 200
        assert get("/healthz")[0] == 200
        lines = agent.stop()
    assert len([line for line in lines if "source not read" in line]) > 0


def test_events_do_not_overtake_the_backoff(cluster_node: Node, server) -> None:
    """No ztunnel: the failure stands, and each pod event is one more reason to try."""
    server.put("namespaces", objects.namespace("mesh", objects.AMBIENT))
    with cluster_node.agent() as agent:
        wait_until(lambda: value("ambient_source_synced") == 1, agent.process, "synced")
        for number in range(1, 61):
            server.put("pods", objects.pod(f"web-{number}", "mesh", "node-a", f"10.1.0.{number}"))
            wait_until(
                lambda: value("ambient_pods", state="wanted") == number, agent.process, "taken in"
            )
        # 0.2 s, 0.4 and so on apart, each at least half of it: 10 of them take a minute.
        failures = sum(
            value("ambient_reconciles_total", scope=scope, result="failure")
            for scope in ("all", "pods")
        )
    assert failures <= 10, failures
