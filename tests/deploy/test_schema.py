"""Everything that is rendered is what the API server takes, of the oldest and the newest Kubernetes
that there are schemas for."""

from __future__ import annotations

import copy
from pathlib import Path

import jsonschema
import pytest

import schemas
from support.deploy import render

# OpenShift's own kind: no part of Kubernetes, so no schema.
FOREIGN = {"SecurityContextConstraints"}


@pytest.mark.parametrize("version", schemas.FOLDERS)
@pytest.mark.parametrize(
    "folder", [render.MANIFESTS / "base", *render.OVERLAYS], ids=lambda path: path.name
)
def test_every_object_is_valid(folder: Path, version: str) -> None:
    for one in render.kustomize(folder).values():
        if one["kind"] not in FOREIGN:
            schemas.check(one, version)


@pytest.mark.parametrize("version", schemas.FOLDERS)
def test_every_component_leaves_them_valid(tmp_path: Path, version: str) -> None:
    found = render.kustomize_with(
        tmp_path, {"resources": [render.MANIFESTS / "base"], "components": render.COMPONENTS}
    )
    known = [one for one in found.values() if schemas.has(version, one["kind"])]
    assert len(known) >= len(render.kustomize(render.MANIFESTS / "base"))
    for one in known:
        schemas.check(one, version)


def test_the_newest_kubernetes_has_every_kind(tmp_path: Path) -> None:
    found = render.kustomize_with(
        tmp_path, {"resources": [render.MANIFESTS / "base"], "components": render.COMPONENTS}
    )
    assert all(schemas.has(list(schemas.FOLDERS)[-1], one["kind"]) for one in found.values())


@pytest.mark.parametrize("version", schemas.FOLDERS)
def test_a_mistake_is_found(base: render.Objects, version: str) -> None:
    unknown = copy.deepcopy(render.one(base, "DaemonSet"))
    unknown["spec"]["template"]["spec"]["hostNetworks"] = True
    wrong = copy.deepcopy(render.one(base, "DaemonSet"))
    wrong["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "many"
    for broken in (unknown, wrong):
        with pytest.raises(jsonschema.ValidationError):
            schemas.check(broken, version)
