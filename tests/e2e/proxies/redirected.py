"""A pod with a sidecar on a network that stands already: the agent of its node and the plugin make its
rules, without libcni and a primary plugin before them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from support.agent import Agent
from support.cni import run_plugin
from support.netns import Netns

NAMESPACE, NAME, UID = "default", "sidecar", "uid-sidecar"
NODE = "node"


def _objects() -> dict[str, Any]:
    metadata = {
        "namespace": NAMESPACE,
        "name": NAME,
        "uid": UID,
        "annotations": {"sidecar.istio.io/status": "{}"},
    }
    containers = [{"name": "app"}, {"name": "istio-proxy", "args": ["proxy", "sidecar"]}]
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": metadata,
                "spec": {"nodeName": NODE, "containers": containers},
            },
        ],
    }


def _add(node: Netns, pod: Netns, address: str, agent: Agent) -> None:
    network = {
        "cniVersion": "1.0.0",
        "name": "pods",
        "type": "ambient-cni",
        "agent_socket": str(agent.socket),
        "prevResult": {
            "cniVersion": "1.0.0",
            "interfaces": [{"name": "eth0", "sandbox": str(pod.path)}],
            "ips": [{"interface": 0, "address": f"{address}/32"}],
        },
    }
    done = run_plugin(
        node,
        network,
        CNI_COMMAND="ADD",
        CNI_CONTAINERID=NAME,
        CNI_NETNS=str(pod.path),
        CNI_IFNAME="eth0",
        CNI_ARGS=f"K8S_POD_NAMESPACE={NAMESPACE};K8S_POD_NAME={NAME};K8S_POD_UID={UID}",
    )
    assert done.returncode == 0, f"ADD: {done.stdout}{done.stderr}"


@contextlib.contextmanager
def redirected(node: Netns, pod: Netns, address: str, folder: Path) -> Iterator[None]:
    """The pod as ADD leaves it; its node's agent runs while the context lasts."""
    objects = folder / "objects.yaml"
    objects.write_text(yaml.safe_dump(_objects()))
    agent = Agent(
        NODE,
        node,
        folder,
        {"source": {"files": str(objects)}, "policy": {"redirect_sidecars": True}},
    )
    agent.start()
    try:
        agent.wait_serving()
        _add(node, pod, address, agent)
        yield
    finally:
        agent.stop()
