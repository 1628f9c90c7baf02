"""The chart installs what the kustomizations do: rendered, they are the same objects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import schemas
from support.deploy import render

HOSTS = ["k3s", "gke", "openshift"]


def _comparable(found: render.Objects) -> dict[tuple[str, str], Any]:
    """The configuration as what it says, without the two ways to follow its changes: a hash in the
    name, a checksum beside it."""
    config = render.one(found, "ConfigMap")
    name = config["metadata"]["name"]
    config["data"] = yaml.safe_load(config["data"]["agent.yaml"])
    config["metadata"]["name"] = "config"
    annotations = render.one(found, "DaemonSet")["spec"]["template"]["metadata"]["annotations"]
    annotations.pop("checksum/config", None)
    (volume,) = (one for one in render.pod(found)["volumes"] if one["name"] == "config")
    assert volume["configMap"]["name"] == name
    volume["configMap"]["name"] = "config"
    # kubectl puts volumes that a patch names before the others.
    render.pod(found)["volumes"].sort(key=lambda one: one["name"])
    return {(one["kind"], one["metadata"]["name"]): one for one in found.values()}


@pytest.mark.parametrize("version", render.VERSIONS)
def test_without_values_it_is_the_base(version: str) -> None:
    found = render.objects(render.helm_text(version=version))
    assert _comparable(found) == _comparable(render.kustomize(render.MANIFESTS / "base"))


@pytest.mark.parametrize("host", HOSTS)
def test_with_the_values_of_a_host_it_is_that_overlay(host: str) -> None:
    values = str(render.CHART / f"values-{host}.yaml")
    found = render.objects(render.helm_text("--values", values))
    overlay = render.kustomize(render.MANIFESTS / "overlays" / host)
    assert _comparable(found) == _comparable(overlay)


def test_every_overlay_with_folders_of_its_own_has_its_values() -> None:
    files = {path.name for path in render.CHART.glob("values-*.yaml")}
    assert files == {f"values-{host}.yaml" for host in HOSTS}
    assert {path.name for path in render.OVERLAYS} == {*HOSTS, "kind"}  # kind: no values


@pytest.mark.parametrize("component", ["taint", "foreign-folders", "admission-policy", "sidecar-delete"])
def test_with_the_value_of_a_component_it_is_that_component(tmp_path: Path, component: str) -> None:
    value = {
        "taint": "taint=ambient-cni.dev/not-ready",
        "foreign-folders": "foreignFolders=true",
        "admission-policy": "admissionPolicy=true",
        "sidecar-delete": "config.sidecar.repair=delete,config.policy.redirect_sidecars=true",
    }
    found = render.objects(render.helm_text("--set", value[component]))
    wanted = render.kustomize_with(
        tmp_path,
        {
            "resources": [render.MANIFESTS / "base"],
            "components": [render.MANIFESTS / "components" / component],
        },
    )
    assert _comparable(found) == _comparable(wanted)


def test_values_reach_what_they_name() -> None:
    found = render.objects(
        render.helm_text(
            *("--set", "image.repository=registry.example/cni", "--set", "image.tag=2"),
            *("--set", "config.health.port=15099", "--set", "config.log.level=debug"),
            namespace="mesh",
        )
    )
    container, config = render.container(found), render.agent_config(found)
    assert container["image"] == "registry.example/cni:2"
    assert container["ports"][0]["containerPort"] == config["health"]["port"] == 15099
    assert config["log"] == {"level": "debug"}
    assert config["daemonset"] == "mesh/ambient-node-agent"
    namespaces = {one["metadata"].get("namespace", "mesh") for one in found.values()}
    assert namespaces == {"mesh"}
    for one in found.values():
        schemas.check(one, next(iter(schemas.FOLDERS)))


def test_a_changed_configuration_replaces_the_agents() -> None:
    def checksum(*arguments: str) -> str:
        found = render.objects(render.helm_text(*arguments))
        template = render.one(found, "DaemonSet")["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert checksum() != checksum("--set", "config.resync_seconds=60")


def test_its_version_is_ours() -> None:
    chart = yaml.safe_load((render.CHART / "Chart.yaml").read_text())
    ours = re.search(
        r"project\(ambient-cni VERSION (\S+)", (render.ROOT / "CMakeLists.txt").read_text()
    )[1]
    assert chart["version"] == chart["appVersion"] == ours


@pytest.mark.parametrize("version", render.VERSIONS)
def test_lint(version: str) -> None:
    helm = render.TOOLS / version / "helm"
    said = render.run(helm, "lint", "--strict", render.CHART)
    assert "0 chart(s) failed" in said
