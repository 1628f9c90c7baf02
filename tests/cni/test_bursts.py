"""Bursts, with the real agent: what many plugins say at once is heard before what they do is judged."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from plugin import BINARY, BUILD, pod_args, result

from support.agent import Agent
from support.netns import create, delete

BURST = 250
HOST_IP = "10.244.0.1"
ZTUNNEL = "10.244.0.10"
# Nobody gives up because the machine is slow; that is another test.
PATIENT_MS = 60_000


def address(pod: int) -> str:
    return f"10.244.{1 + pod // 250}.{1 + pod % 250}"


def name(pod: int) -> str:
    return f"pod-{pod}"


class StandInAgent(Agent):
    """Veth devices in the tunnels' place: no packet needs to pass them here."""

    @property
    def _args(self) -> list[str]:
        stand_in = BUILD / "tests" / "bench" / "node-agent-stand-in"
        return ["env", "AMBIENT_BENCH_STAND_IN=1", str(stand_in), "--config", str(self.config)]


class BusyNode:
    def __init__(self, folder: Path) -> None:
        self.prefix = f"burst-{os.getpid()}"
        self.node, self.ztunnel, self.pods = create(
            [f"{self.prefix}-{part}" for part in ("node", "ztunnel", "pods")]
        )
        self._make_devices()
        objects = folder / "objects.yaml"
        objects.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": _objects()}))
        self.agent = StandInAgent("node-a", self.node, folder, {"source": {"files": str(objects)}})

    def _make_devices(self) -> None:
        pods = range(2 * BURST)
        self.node.ip(
            f"address add {HOST_IP}/32 dev lo",
            f"link add zt0 type veth peer name eth0 netns {self.ztunnel.name}",
            "link set zt0 up",
            f"route add {ZTUNNEL} dev zt0 src {HOST_IP}",
            *(f"link add v{pod} type veth peer name v{pod} netns {self.pods.name}" for pod in pods),
            *(f"link set v{pod} up" for pod in pods),
            *(f"route add {address(pod)} dev v{pod} src {HOST_IP}" for pod in pods),
        )
        self.ztunnel.ip(
            f"address add {ZTUNNEL}/32 dev eth0",
            "link set eth0 up",
            f"route add {HOST_IP} dev eth0",
            f"route add default via {HOST_IP} dev eth0",
        )
        self.pods.ip(*(f"link set v{pod} up" for pod in pods))

    def start(self, command: str, pod: int, timeout_ms: int) -> subprocess.Popen[str]:
        network = {
            "cniVersion": "1.1.0",
            "name": "pods",
            "type": "ambient-cni",
            "agent_socket": str(self.agent.socket),
            "timeout_ms": timeout_ms,
            "prevResult": result("1.1.0", address(pod), str(self.pods.path)),
        }
        plugin = subprocess.Popen(
            [str(BINARY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                "CNI_COMMAND": command,
                "CNI_CONTAINERID": f"container-{pod}",
                "CNI_NETNS": str(self.pods.path),
                "CNI_IFNAME": "eth0",
                "CNI_PATH": str(BINARY.parent),
                "CNI_ARGS": pod_args("mesh").replace("=sleep", f"={name(pod)}"),
            },
        )
        assert plugin.stdin
        plugin.stdin.write(json.dumps(network))
        plugin.stdin.close()
        plugin.stdin = None
        return plugin

    def burst(self, calls: list[tuple[str, int]], timeout_ms: int = PATIENT_MS) -> None:
        """All at once; all succeed."""
        started = self.node.run(
            lambda: [self.start(command, pod, timeout_ms) for command, pod in calls]
        )
        said = [plugin.communicate(timeout=120)[0] for plugin in started]
        failed = [text for plugin, text in zip(started, said, strict=True) if plugin.returncode]
        assert failed == [], f"{len(failed)} of {len(calls)}: {failed[0]}"

    def captured(self) -> set[str]:
        """The addresses in the filter's set; each must have its route, and no other may."""
        listing = json.loads(self.node.command("nft", "-j", "list set inet ambient pods4"))
        [found] = [entry["set"] for entry in listing["nftables"] if "set" in entry]
        elements = {entry["elem"]["val"] for entry in found.get("elem", [])}
        routes = json.loads(self.node.command("ip", "-j", "route", "show", "table", "100"))
        assert {route["dst"] for route in routes if "gateway" in route} == elements
        return elements

    def assert_nothing_was_undone(self) -> None:
        """What the agent did until it answered a question that came after everything else."""
        self.burst([("STATUS", 0)])
        wrong = ("drift repaired", "refused", "not sent", "not settled")
        assert [line for line in self.agent.log() if any(text in line for text in wrong)] == []


def _objects() -> list[dict]:
    ztunnel = {
        "kind": "Pod",
        "metadata": {"name": "ztunnel", "namespace": "istio-system", "labels": {"app": "ztunnel"}},
        "spec": {"nodeName": "node-a", "serviceAccountName": "ztunnel"},
        "status": {
            "phase": "Running",
            "podIPs": [{"ip": ZTUNNEL}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
    labels = {"istio.io/dataplane-mode": "ambient"}
    spaces = [
        {"kind": "Namespace", "metadata": {"name": "istio-system"}},
        {"kind": "Namespace", "metadata": {"name": "mesh", "labels": labels}},
    ]
    # As the API shows pods whose sandboxes are being made: without addresses.
    pods = [
        {
            "kind": "Pod",
            "metadata": {"name": name(pod), "namespace": "mesh"},
            "spec": {"nodeName": "node-a"},
            "status": {"phase": "Pending"},
        }
        for pod in range(2 * BURST)
    ]
    return [{"apiVersion": "v1", **each} for each in (*spaces, ztunnel, *pods)]


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[BusyNode]:
    made = BusyNode(tmp_path)
    made.agent.start()
    try:
        made.agent.wait_ready()
        yield made
    finally:
        made.agent.kill()
        delete([netns.name for netns in (made.node, made.ztunnel, made.pods)])


FIRST = range(BURST)
SECOND = range(BURST, 2 * BURST)


def addresses(pods: range) -> set[str]:
    return {address(pod) for pod in pods}


def test_adds_and_dels_at_once(busy: BusyNode) -> None:
    busy.burst([("ADD", pod) for pod in FIRST])
    assert busy.captured() == addresses(FIRST)
    both = zip(FIRST, SECOND, strict=True)
    busy.burst([call for old, new in both for call in (("DEL", old), ("ADD", new))])
    busy.assert_nothing_was_undone()
    assert busy.captured() == addresses(SECOND)
    busy.burst([("DEL", pod) for pod in SECOND])
    busy.assert_nothing_was_undone()
    assert busy.captured() == set()


def test_a_plugin_that_gave_up_was_heard_all_the_same(busy: BusyNode) -> None:
    pods = range(60)
    busy.burst([("ADD", pod) for pod in pods])
    with busy.agent.paused():
        # No answer within the time: the plugins remove what they made, and the agent hears of both
        # at once.
        busy.burst([("DEL", pod) for pod in pods], timeout_ms=100)
        assert busy.captured() == set()
    busy.burst([("STATUS", 0)])
    assert [line for line in busy.agent.log() if "drift repaired" in line] == []
    assert busy.captured() == set()
