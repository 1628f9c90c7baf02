"""The DaemonSet's container on a node: started by containerd with what the manifest grants, in a
network namespace that stands for the node's, beside a stand-in for the API server."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import render
from engine import Engine, Host, flags
from fake_apiserver import TOKEN, FakeApiServer, objects
from fake_apiserver.server import listening_socket
from image_archive import AGENT
from netns import Netns, create, delete

NODE = "deploy-node"
API_ADDRESS = "127.0.0.1"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
CAPABILITIES = {"NET_ADMIN": 12, "SYS_ADMIN": 21}  # linux/capability.h


@pytest.fixture(scope="module")
def node() -> Iterator[Netns]:
    delete([NODE])
    (made,) = create([NODE])
    yield made
    delete([NODE])


@pytest.fixture(scope="module")
def api(node: Netns, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeApiServer]:
    def in_node(address: str, port: int):
        return node.run(lambda: listening_socket(address, port))

    folder = tmp_path_factory.mktemp("api")
    with FakeApiServer(folder, API_ADDRESS, make_socket=in_node) as server:
        server.put("nodes", objects.node(NODE))
        server.put("namespaces", objects.namespace("istio-system"))
        server.put("daemonsets", objects.daemon_set("ambient-node-agent", "istio-system"))
        yield server


@pytest.fixture(scope="module")
def host(base: render.Objects, node: Netns, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """The node's folders; what the kernel shows is the kernel's own."""
    folder = tmp_path_factory.mktemp("node")
    volumes: dict[str, Path] = {}
    for volume in render.pod(base)["volumes"]:
        if "configMap" in volume:
            place = folder / "config"
            place.mkdir()
            for name, text in render.one(base, "ConfigMap")["data"].items():
                (place / name).write_text(text)
        elif volume["hostPath"]["path"] in ("/run/netns", "/proc/sys/net"):
            place = Path(volume["hostPath"]["path"])
        else:
            place = folder / volume["hostPath"]["path"].lstrip("/")
            place.mkdir(parents=True)
        volumes[volume["name"]] = place
    return Host(volumes, node.path)


@pytest.fixture(scope="module")
def service_account(api: FakeApiServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the kubelet projects into every container."""
    folder = tmp_path_factory.mktemp("account")
    (folder / "token").write_text(TOKEN)
    (folder / "ca.crt").write_bytes(api.authority.file.read_bytes())
    (folder / "namespace").write_text("istio-system")
    return folder


@pytest.fixture(scope="module")
def agent(
    engine: Engine,
    image_name: str,
    base: render.Objects,
    host: Host,
    api: FakeApiServer,
    service_account: Path,
) -> Iterator[subprocess.Popen[str]]:
    environment = {
        "NODE_NAME": NODE,
        "KUBERNETES_SERVICE_HOST": API_ADDRESS,
        "KUBERNETES_SERVICE_PORT": str(api.port),
    }
    command = engine.run_command(
        *("--rm", *flags(engine, base, host)),
        *("--mount", f"type=bind,src={service_account},dst={ACCOUNT},options=rbind:ro"),
        *(word for pair in environment.items() for word in ("--env", "=".join(pair))),
        *(image_name, "agent", f"/{AGENT}", *render.container(base)["args"]),
    )
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = ""
    while "serving" not in said:
        line = process.stdout.readline()
        assert line, f"it ended with {process.wait()}:\n{said}"
        said += line
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


@pytest.fixture
def status(engine: Engine, agent: subprocess.Popen[str]) -> dict[str, str]:
    """What the kernel says of the agent's process: /proc/PID/status."""
    text = Path(f"/proc/{engine.pid('agent')}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_it_has_exactly_the_capabilities_of_the_manifest(status: dict[str, str]) -> None:
    wanted = sum(1 << number for number in CAPABILITIES.values())
    for field in ("CapEff", "CapPrm", "CapBnd"):
        assert int(status[field], 16) == wanted, field
    for field in ("CapInh", "CapAmb"):
        assert int(status[field], 16) == 0, field


def test_it_gains_no_privileges_and_is_filtered(status: dict[str, str]) -> None:
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"  # SECCOMP_MODE_FILTER


def _mounts(pid: int) -> dict[str, tuple[list[str], list[str]]]:
    """By mount point: options, and what follows them (proc(5), mountinfo); the topmost counts."""
    rows = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    return {row[4]: (row[5].split(","), row[6 : row.index("-")]) for row in rows}


def test_its_root_is_read_only_and_later_namespaces_reach_it(
    engine: Engine, agent: subprocess.Popen[str]
) -> None:
    pid = engine.pid("agent")
    mounts = _mounts(pid)
    for place in ("/", "/proc/sys", "/etc/ambient-cni"):
        assert "ro" in mounts[place][0], place
    for place in ("/host/proc/sys/net", "/opt/cni/bin", "/var/lib/ambient-cni"):
        assert "rw" in mounts[place][0], place
    later = "deploy-later"
    delete([later])
    create([later])
    try:
        assert f"/run/netns/{later}" in _mounts(pid)
    finally:
        delete([later])


def test_it_serves_the_plugin_where_the_node_finds_it(
    host: Host, agent: subprocess.Popen[str]
) -> None:
    assert (host.volumes["socket"] / "agent.sock").is_socket()
