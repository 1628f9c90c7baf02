"""A node with its ztunnel and many pods as network namespaces, and the Kubernetes objects that show them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

HOST_IP = "10.244.0.1"
ZTUNNEL = "10.244.0.10"
NODE = "bench"
NAMESPACE = "bench"
JOINING = 8  # pods that have their devices, but no address yet in what the API shows: to be added
SIDECARS = 8  # the same with a sidecar, each in a network namespace of its own


def address(pod: int) -> str:
    return f"10.244.{1 + pod // 250}.{1 + pod % 250}"


def joining_address(pod: int) -> str:
    return f"10.244.200.{1 + pod}"


def sidecar_address(pod: int) -> str:
    return f"10.244.201.{1 + pod}"


@dataclass
class Scene:
    folder: Path
    pods: int
    prefix: str = "ambient-bench"

    @property
    def config(self) -> Path:
        return self.folder / "agent.yaml"

    @property
    def socket(self) -> Path:
        return self.folder / "agent.sock"

    def netns(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def inside(self, *command: str) -> list[str]:
        """The command, to be run on the node."""
        return ["nsenter", f"--net=/run/netns/{self.netns('node')}", *command]


def _ip(netns: str, lines: list[str]) -> None:
    subprocess.run(["ip", "-netns", netns, "-batch", "-"], input="\n".join(lines), text=True, check=True)


def _names() -> list[str]:
    return ["node", "ztunnel", "pods", *(f"sidecar-{pod}" for pod in range(SIDECARS))]


def _set_up(scene: Scene) -> None:
    for name in _names():
        subprocess.run(["ip", "netns", "add", scene.netns(name)], check=True)
        _ip(scene.netns(name), ["link set lo up"])
    pods = [("v", pod, address(pod)) for pod in range(scene.pods)]
    pods += [("j", pod, joining_address(pod)) for pod in range(JOINING)]
    node = [f"address add {HOST_IP}/32 dev lo",
            f"link add zt0 type veth peer name eth0 netns {scene.netns('ztunnel')}",
            "link set zt0 up", f"route add {ZTUNNEL} dev zt0 src {HOST_IP}"]  # fmt: skip
    for letter, pod, ip in pods:
        node += [f"link add {letter}{pod} type veth peer name {letter}{pod} netns {scene.netns('pods')}",
                 f"link set {letter}{pod} up", f"route add {ip} dev {letter}{pod} src {HOST_IP}"]  # fmt: skip
    _ip(scene.netns("node"), node)
    _ip(scene.netns("ztunnel"), ["link set eth0 up", f"address add {ZTUNNEL}/32 dev eth0",
                                 f"route add {HOST_IP} dev eth0", f"route add default via {HOST_IP} dev eth0"])  # fmt: skip
    _ip(scene.netns("pods"), [f"link set {letter}{pod} up" for letter, pod, _ in pods])


def _take_down(scene: Scene) -> None:
    for name in _names():
        subprocess.run(["ip", "netns", "delete", scene.netns(name)], check=False)


def _pod(name: str, namespace: str, app: str, ip: str | None) -> dict:
    """As large as kubectl prints a small pod."""
    def mount(folder: str) -> dict:
        return {"name": folder.strip("/").replace("/", "-"), "mountPath": folder, "readOnly": True}

    ready = {"status": "True" if ip else "False", "lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:00Z"}
    address = {"hostIP": "172.18.0.2", "podIP": ip, "podIPs": [{"ip": ip}]} if ip else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name, "namespace": namespace, "uid": f"8a1c2f0e-5a3b-4c1d-9e8f-{name:0>12}",
            "creationTimestamp": "2026-01-01T00:00:00Z", "generateName": f"{app}-7d5d6bd7fc-",
            "labels": {"app": app, "version": "v1", "pod-template-hash": "7d5d6bd7fc"},
            "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{app}-7d5d6bd7fc",
                                 "controller": True, "blockOwnerDeletion": True,
                                 "uid": "11111111-2222-3333-4444-555555555555"}],
        },
        "spec": {
            "nodeName": NODE, "serviceAccountName": app, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
            "enableServiceLinks": True, "schedulerName": "default-scheduler", "priority": 0,
            "containers": [{
                "name": app, "image": f"registry.example/{app}:1.0", "imagePullPolicy": "IfNotPresent",
                "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "PORT", "value": "8080"}],
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "resources": {"limits": {"cpu": "1", "memory": "128Mi"}, "requests": {"cpu": "10m"}},
                "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10},
                "volumeMounts": [mount("/etc/config"), mount("/var/run/secrets/kubernetes.io/serviceaccount")],
            }],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
            "volumes": [{"name": "etc-config", "configMap": {"name": app}}],
        },
        "status": {
            "phase": "Running" if ip else "Pending", "qosClass": "Burstable",
            "startTime": "2026-01-01T00:00:00Z", **address,
            "conditions": [{"type": kind, **ready} for kind in ("Initialized", "Ready", "ContainersReady")],
            "containerStatuses": [{"name": app, "ready": bool(ip), "restartCount": 0, "started": bool(ip)}],
        },
    }  # fmt: skip


def _sidecar_pod(name: str) -> dict:
    pod = _pod(name, NAMESPACE, "app", None)
    pod["metadata"]["annotations"]["sidecar.istio.io/status"] = "{}"
    pod["spec"]["containers"].append({"name": "istio-proxy", "args": ["proxy", "sidecar"]})
    return pod


def _objects(scene: Scene) -> dict:
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in (("istio-system", {}), (NAMESPACE, {"istio.io/dataplane-mode": "ambient"}))
    ]
    pods = [_pod("ztunnel-0", "istio-system", "ztunnel", ZTUNNEL)]
    pods += [_pod(f"app-{pod}", NAMESPACE, "app", address(pod)) for pod in range(scene.pods)]
    pods += [_pod(f"joining-{pod}", NAMESPACE, "app", None) for pod in range(JOINING)]
    pods += [_sidecar_pod(f"sidecar-{pod}") for pod in range(SIDECARS)]
    return {"apiVersion": "v1", "kind": "List", "items": namespaces + pods}


@contextmanager
def scene_of(folder: Path, pods: int) -> Iterator[Scene]:
    scene = Scene(folder, pods)
    folder.mkdir(parents=True)
    objects = folder / "objects.yaml"
    objects.write_text(yaml.dump(_objects(scene), Dumper=yaml.CSafeDumper))
    config = {"node_name": NODE, "source": {"files": str(objects)}, "socket": str(scene.socket),
              "state_dir": str(folder / "state"), "policy": {"redirect_sidecars": True}}  # fmt: skip
    scene.config.write_text(json.dumps(config))  # JSON is YAML too
    try:
        _set_up(scene)
        yield scene
    finally:
        _take_down(scene)
