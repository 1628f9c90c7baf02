"""What the base promises: least privilege, and a configuration that fits its DaemonSet."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest
import yaml

from support.deploy import render

AGENT = "ambient-node-agent"


@pytest.mark.parametrize(
    "folder", [render.MANIFESTS / "base", *render.OVERLAYS], ids=lambda p: p.name
)
def test_old_and_new_kubectl_render_the_same(folder: Path) -> None:
    texts = {render.kustomize_text(folder, version) for version in render.VERSIONS}
    assert len(texts) == 1 and len(render.VERSIONS) > 1


def test_kinds(base: render.Objects) -> None:
    kinds = sorted(kind for kind, _name in base)
    assert kinds == [
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "DaemonSet",
        "Role",
        "RoleBinding",
        "ServiceAccount",
    ]


def test_rights_in_the_cluster(base: render.Objects) -> None:
    assert render.one(base, "ClusterRole")["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "get"]},
        {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch", "get"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
    ]
    assert render.one(base, "Role")["rules"] == [
        {
            "apiGroups": ["apps"],
            "resources": ["daemonsets"],
            "resourceNames": [AGENT],
            "verbs": ["get"],
        }
    ]


def test_rights_are_bound_to_the_service_account_alone(base: render.Objects) -> None:
    account = {"kind": "ServiceAccount", "name": AGENT, "namespace": "istio-system"}
    assert (
        render.pod(base)["serviceAccountName"]
        == render.one(base, "ServiceAccount")["metadata"]["name"]
    )
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        binding = render.one(base, kind)
        assert binding["subjects"] == [account]
        assert binding["roleRef"]["name"] == AGENT
        assert binding["roleRef"]["kind"] == kind.removesuffix("Binding")


def test_rights_on_the_node(base: render.Objects) -> None:
    assert render.container(base)["securityContext"] == {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsUser": 0,
        "runAsGroup": 0,
        "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN", "SYS_ADMIN"]},
    }
    pod = render.pod(base)
    assert pod["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["hostNetwork"] is True
    assert not {"hostPID", "hostIPC"} & pod.keys()


def test_it_runs_on_every_node_and_comes_first(base: render.Objects) -> None:
    pod = render.pod(base)
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert pod["priorityClassName"] == "system-node-critical"
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}


def test_every_mount_has_its_volume(base: render.Objects) -> None:
    mounted = [mount["name"] for mount in render.container(base)["volumeMounts"]]
    volumes = [volume["name"] for volume in render.pod(base)["volumes"]]
    assert sorted(mounted) == sorted(volumes)
    assert len(set(volumes)) == len(volumes)


def test_what_the_plugin_shares_with_the_agent_has_one_path(base: render.Objects) -> None:
    paths = {
        volume["name"]: volume.get("hostPath", {}).get("path")
        for volume in render.pod(base)["volumes"]
    }
    mounts = {mount["name"]: mount["mountPath"] for mount in render.container(base)["volumeMounts"]}
    for name in ("socket", "state", "netns"):
        assert paths[name] == mounts[name]


def test_later_namespaces_are_seen_and_nothing_goes_back(base: render.Objects) -> None:
    propagation = {
        mount["name"]: mount["mountPropagation"]
        for mount in render.container(base)["volumeMounts"]
        if "mountPropagation" in mount
    }
    assert propagation == {"netns": "HostToContainer"}


def test_every_path_of_the_configuration_is_mounted(base: render.Objects) -> None:
    config = render.agent_config(base)
    mounts = [PurePosixPath(mount["mountPath"]) for mount in render.container(base)["volumeMounts"]]
    reference = yaml.safe_load((render.MANIFESTS / "config/agent.yaml").read_text())

    def of(*fields: str) -> PurePosixPath:
        """What counts: the base's word, else the default."""
        for value in (config, reference):
            for field in fields:
                value = value.get(field, {})
            if value:
                return PurePosixPath(value)
        raise KeyError(fields)

    for path in (
        of("socket"),
        of("state_dir"),
        of("install", "cni_bin_dir"),
        of("install", "cni_conf_dir"),
        of("sysctl_dir") / "net",
        PurePosixPath(render.container(base)["args"][1]),
    ):
        assert any(path.is_relative_to(mount) for mount in mounts), path


def test_probes_and_metrics_ask_where_it_answers(base: render.Objects) -> None:
    container, config = render.container(base), render.agent_config(base)
    assert config["health"] == {"address": "0.0.0.0", "port": 15014}
    assert container["ports"] == [{"name": "health", "containerPort": 15014}]
    paths = {}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        request = container[probe]["httpGet"]
        assert (request["host"], request["port"]) == ("127.0.0.1", "health")
        paths[probe] = request["path"]
    assert paths == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    annotations = render.one(base, "DaemonSet")["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": "15014"}


def test_the_agent_knows_its_node_and_its_daemonset(base: render.Objects) -> None:
    daemonset = render.one(base, "DaemonSet")["metadata"]
    assert render.agent_config(base)["daemonset"] == f"{daemonset['namespace']}/{daemonset['name']}"
    (node,) = render.container(base)["env"]
    assert node == {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}


def test_a_changed_configuration_replaces_the_agents(base: render.Objects) -> None:
    name = render.one(base, "ConfigMap")["metadata"]["name"]
    assert re.fullmatch(r"ambient-node-agent-config-[0-9a-z]{10}", name)
    (config,) = (volume for volume in render.pod(base)["volumes"] if volume["name"] == "config")
    assert config["configMap"]["name"] == name


def test_the_image_is_that_of_this_version(base: render.Objects) -> None:
    version = re.search(
        r"project\(ambient-cni VERSION (\S+)", (render.ROOT / "CMakeLists.txt").read_text()
    )[1]
    assert render.container(base)["image"] == f"localhost/ambient-cni:{version}"
