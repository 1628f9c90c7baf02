"""The manifests as an operator's tools render them: kubectl and helm, the oldest and a new one."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
MANIFESTS = ROOT / "manifests"
CHART = MANIFESTS / "helm/ambient-cni"
OVERLAYS = sorted(path.parent for path in (MANIFESTS / "overlays").glob("*/kustomization.yaml"))
COMPONENTS = sorted(path.parent for path in (MANIFESTS / "components").glob("*/kustomization.yaml"))

# Folders with `kubectl` and `helm` in them, by the Kubernetes version that they come with.
TOOLS = Path(os.environ["AMBIENT_KUBERNETES_TOOLS"])
VERSIONS = sorted(path.name for path in TOOLS.iterdir())
OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]

Object = dict[str, Any]
Objects = dict[tuple[str, str], Object]  # by kind and name


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


@functools.cache
def kustomize_text(folder: Path, version: str = OLDEST) -> str:
    return run(TOOLS / version / "kubectl", "kustomize", folder)


def helm_text(*arguments: str, version: str = OLDEST, namespace: str = "istio-system") -> str:
    helm = TOOLS / version / "helm"
    return run(helm, "template", "ambient-cni", CHART, "--namespace", namespace, *arguments)


def objects(text: str) -> Objects:
    found: Objects = {}
    for one in yaml.safe_load_all(text):
        key = (one["kind"], one["metadata"]["name"])
        assert key not in found, key
        found[key] = one
    return found


def kustomize(folder: Path) -> Objects:
    return objects(kustomize_text(folder))


def kustomize_with(folder: Path, kustomization: Object) -> Objects:
    """A kustomization of an operator's own. `folder` is empty; paths in it are absolute."""
    relative = {
        field: [os.path.relpath(path, folder) for path in kustomization[field]]
        for field in ("resources", "components")
        if field in kustomization
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({**kustomization, **relative}))
    return objects(kustomize_text(folder))


def one(found: Objects, kind: str) -> Object:
    """The only object of that kind."""
    (only,) = (value for (its_kind, _name), value in found.items() if its_kind == kind)
    return only


def pod(found: Objects) -> Object:
    return one(found, "DaemonSet")["spec"]["template"]["spec"]


def container(found: Objects) -> Object:
    (only,) = pod(found)["containers"]
    return only


def agent_config(found: Objects) -> Object:
    return yaml.safe_load(one(found, "ConfigMap")["data"]["agent.yaml"])
