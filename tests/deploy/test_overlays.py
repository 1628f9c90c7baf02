"""An overlay differs from the base where its host does, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.deploy import render

PATHS = {  # of the two folders that differ from host to host
    "kind": ("/opt/cni/bin", "/etc/cni/net.d"),
    "k3s": ("/var/lib/rancher/k3s/data/cni", "/var/lib/rancher/k3s/agent/etc/cni/net.d"),
    "gke": ("/home/kubernetes/bin", "/etc/cni/net.d"),
    "openshift": ("/var/lib/cni/bin", "/etc/kubernetes/cni/net.d"),
}
MORE = {  # kinds that the base does not have
    "kind": {"Namespace"},
    "k3s": set(),
    "gke": {"ResourceQuota"},
    "openshift": {"SecurityContextConstraints"},
}


def _volumes(found: render.Objects) -> dict[str, Any]:
    return {volume["name"]: volume for volume in render.pod(found)["volumes"]}


def _kinds(found: render.Objects) -> set[str]:
    return {kind for kind, _name in found}


@pytest.mark.parametrize("name", [folder.name for folder in render.OVERLAYS])
def test_an_overlay_is_the_base_with_other_folders(base: render.Objects, name: str) -> None:
    found = render.kustomize(render.MANIFESTS / "overlays" / name)
    assert _kinds(found) - _kinds(base) == MORE[name]
    volumes = _volumes(found)
    assert (
        volumes["cni-bin"]["hostPath"]["path"],
        volumes["cni-conf"]["hostPath"]["path"],
    ) == PATHS[name]
    # Those put back, and SELinux's type, it is the base.
    for volume in ("cni-bin", "cni-conf"):
        volumes[volume]["hostPath"] = _volumes(base)[volume]["hostPath"]
    assert volumes == _volumes(base)
    pod = render.pod(found)
    pod["volumes"] = render.pod(base)["volumes"]
    selinux = pod["securityContext"].pop("seLinuxOptions", None)
    assert selinux == ({"type": "spc_t"} if name == "openshift" else None)
    assert {key: one for key, one in found.items() if key[0] not in MORE[name]} == base


def test_openshift_allows_what_the_pod_asks_for_and_no_more() -> None:
    found = render.kustomize(render.MANIFESTS / "overlays/openshift")
    allowed, pod = render.one(found, "SecurityContextConstraints"), render.pod(found)
    context = render.container(found)["securityContext"]
    assert allowed["allowedCapabilities"] == context["capabilities"]["add"]
    assert allowed["requiredDropCapabilities"] == context["capabilities"]["drop"]
    assert allowed["allowPrivilegedContainer"] is context["privileged"]
    assert allowed["allowPrivilegeEscalation"] is context["allowPrivilegeEscalation"]
    assert allowed["readOnlyRootFilesystem"] is context["readOnlyRootFilesystem"]
    assert allowed["allowHostNetwork"] is pod["hostNetwork"]
    assert not allowed["allowHostPID"] and not allowed["allowHostIPC"]
    # The service account's token is a projected volume.
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"} | {"projected"}
    assert set(allowed["volumes"]) == kinds
    daemonset = render.one(found, "DaemonSet")["metadata"]
    account = f"system:serviceaccount:{daemonset['namespace']}:{pod['serviceAccountName']}"
    assert (allowed["users"], allowed["groups"]) == ([account], [])


def test_gke_quota_is_for_the_priority_of_the_pod() -> None:
    found = render.kustomize(render.MANIFESTS / "overlays/gke")
    quota = render.one(found, "ResourceQuota")
    assert quota["metadata"]["namespace"] == render.one(found, "DaemonSet")["metadata"]["namespace"]
    (scope,) = quota["spec"]["scopeSelector"]["matchExpressions"]
    assert scope["values"] == [render.pod(found)["priorityClassName"]]


def _with(folder: Path, component: str) -> render.Objects:
    return render.kustomize_with(
        folder,
        {
            "resources": [render.MANIFESTS / "base"],
            "components": [render.MANIFESTS / "components" / component],
        },
    )


def test_taint_adds_the_key_and_the_right_to_remove_it(
    base: render.Objects, tmp_path: Path
) -> None:
    found = _with(tmp_path, "taint")
    config = render.agent_config(found)
    assert config.pop("taint") == "ambient-cni.dev/not-ready"
    assert config == render.agent_config(base)
    rules = render.one(found, "ClusterRole")["rules"]
    assert rules[-1] == {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"]}
    assert rules[:-1] == render.one(base, "ClusterRole")["rules"]


def test_foreign_folders_adds_two_capabilities(tmp_path: Path) -> None:
    found = _with(tmp_path, "foreign-folders")
    capabilities = render.container(found)["securityContext"]["capabilities"]
    assert capabilities["add"] == ["NET_ADMIN", "SYS_ADMIN", "DAC_OVERRIDE", "CHOWN"]


def test_an_operator_names_another_image_in_one_place(tmp_path: Path) -> None:
    image = {"name": "localhost/ambient-cni", "newName": "registry.example/mesh/cni", "newTag": "1"}
    found = render.kustomize_with(
        tmp_path, {"resources": [render.MANIFESTS / "base"], "images": [image]}
    )
    assert render.container(found)["image"] == "registry.example/mesh/cni:1"
