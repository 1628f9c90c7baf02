"""What the installer wrote, used by libcni: the chain of a node without and with us."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.installation import Installation

CNITOOL = os.environ.get("AMBIENT_CNITOOL", "cnitool")


@pytest.fixture
def namespaces() -> Iterator[tuple[str, str]]:
    names = tuple(f"install-{role}-{os.getpid()}" for role in ("node", "pod"))
    for name in names:
        subprocess.run(["ip", "netns", "add", name], check=True)
    yield names
    for name in names:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def network(tmp_path: Path) -> dict[str, object]:
    ipam = {
        "type": "host-local",
        "dataDir": str(tmp_path / "ipam"),
        "ranges": [[{"subnet": "10.244.9.0/24"}]],
    }
    return {"type": "ptp", "ipam": ipam}


def cnitool(node: Installation, names: tuple[str, str], verb: str, kube_namespace: str) -> str:
    done = subprocess.run(
        ["ip", "netns", "exec", names[0], CNITOOL, verb, "pods", f"/run/netns/{names[1]}"],
        text=True,
        capture_output=True,
        timeout=60,
        env={
            **os.environ,
            "NETCONFPATH": str(node.conf),
            "CNI_PATH": f"{node.bin}:/usr/lib/cni",
            "CNI_ARGS": f"IgnoreUnknown=1;K8S_POD_NAMESPACE={kube_namespace};K8S_POD_NAME=a;"
            "K8S_POD_UID=8a1c2f0e-5a3b-4c1d-9e8f-001122334455",
        },
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("single", [False, True], ids=["list", "one plugin alone"])
def test_a_runtime_runs_the_chain(
    node: Installation, namespaces: tuple[str, str], tmp_path: Path, single: bool
) -> None:
    head = {"cniVersion": "0.4.0", "name": "pods"}
    if single:
        node.write("10-pods.conf", json.dumps({**head, **network(tmp_path)}, indent="\t"))
    else:
        node.write("10-pods.conflist", json.dumps({**head, "plugins": [network(tmp_path)]}))
    before = node.files()
    node.install()
    # No agent runs: the plugin was found and understood its entry, so a pod of an excluded
    # namespace passes and another one has to wait.
    assert cnitool(node, namespaces, "add", "istio-system") == ""
    assert cnitool(node, namespaces, "del", "istio-system") == ""
    refused = cnitool(node, namespaces, "add", "default")
    assert "try again" in refused, refused
    assert cnitool(node, namespaces, "del", "default") == ""
    node.uninstall()
    assert node.files() == before
    assert cnitool(node, namespaces, "add", "default") == ""
    assert cnitool(node, namespaces, "del", "default") == ""
