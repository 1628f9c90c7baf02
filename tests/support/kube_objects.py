"""The Kubernetes objects that the agents follow, written as the YAML that `kubectl get
pods,namespaces -o yaml` prints."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support.cluster.model import NODES, Node, Pod


class PlainDumper(yaml.SafeDumper):
    """Writes a value that stands twice twice, as kubectl does."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@dataclass
class PodState:
    """What changes about a pod while it lives. Not attached: pending, without an address."""

    attached: bool = False
    ready: bool = True  # once it is attached
    created: str = "2026-01-01T00:00:00Z"
    labels: dict[str, str] = field(default_factory=dict)
    dns_capture: bool = True  # of a ztunnel


def pod_object(pod: Pod, node: Node, state: PodState) -> dict[str, Any]:
    container: dict[str, Any] = {"name": pod.labels["app"], "image": "none"}
    if pod.kind == "ztunnel":
        container["env"] = [
            {"name": "ISTIO_META_DNS_CAPTURE", "value": str(state.dns_capture).lower()}
        ]
    containers = [container]
    if pod.kind == "sidecar":
        containers.append(
            {"name": "istio-proxy", "image": "none", "args": ["proxy", "sidecar"]}
        )
    status: dict[str, Any] = {"phase": "Pending"}
    if state.attached:
        status = {
            "phase": "Running",
            "hostIP": node.address,
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": [{"type": "Ready", "status": str(state.ready)}],
        }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": pod.namespace,
            "uid": f"uid-{pod.name}",
            "creationTimestamp": state.created,
            "labels": pod.labels | state.labels,
            "annotations": pod.annotations,
        },
        "spec": {
            "nodeName": node.netns,
            "serviceAccountName": "ztunnel" if pod.kind == "ztunnel" else pod.name,
            "containers": containers,
        },
        "status": status,
    }


class ObjectStore:
    """The cluster's pods and namespaces in one file, replaced atomically by write()."""

    def __init__(
        self, folder: Path, namespaces: dict[str, dict[str, str]], pods: list[Pod]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "cluster.yaml"
        self.namespaces = {name: dict(labels) for name, labels in namespaces.items()}
        self.annotations: dict[str, dict[str, str]] = {}  # of namespaces
        self.pods = {pod.name: pod for pod in pods}
        self.states = {pod.name: PodState() for pod in pods}

    def add(self, pod: Pod, state: PodState | None = None) -> None:
        self.pods[pod.name] = pod
        self.states[pod.name] = state or PodState()

    def remove(self, name: str) -> None:
        del self.pods[name], self.states[name]

    def write(self) -> None:
        items: list[dict[str, Any]] = [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": name,
                    "labels": labels,
                    "annotations": self.annotations.get(name, {}),
                },
            }
            for name, labels in self.namespaces.items()
        ]
        items += [
            pod_object(pod, NODES[pod.node], self.states[name]) for name, pod in self.pods.items()
        ]
        text = yaml.dump(
            {"apiVersion": "v1", "kind": "List", "items": items},
            Dumper=PlainDumper,
            sort_keys=False,
        )
        fresh = self.path.with_suffix(
            ".new"
        )  # not .yaml: a half-written file is none of the agent's business
        fresh.write_text(text)
        os.replace(fresh, self.path)
