"""Objects against the OpenAPI schemas of Kubernetes, as kubernetes-validate packages them: one
folder a version, unknown fields refused."""

from __future__ import annotations

import functools
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema

FOLDERS = {
    re.match(r"v([0-9.]+)-", path.name)[1]: path
    for path in sorted(Path(os.environ["AMBIENT_KUBERNETES_SCHEMAS"]).iterdir())
}


# What only later Kubernetes has: their components ask for that release.
SINCE = {"ValidatingAdmissionPolicy": (1, 30), "ValidatingAdmissionPolicyBinding": (1, 30)}


def has(version: str, kind: str) -> bool:
    """Whether Kubernetes of that version knows the kind in the version that is written here."""
    return tuple(int(part) for part in version.split(".")[:2]) >= SINCE.get(kind, (1, 0))


@functools.cache
def _definitions(version: str) -> dict[str, Any]:
    return json.loads((FOLDERS[version] / "_definitions.json").read_text())


def _file(version: str, api_version: str, kind: str) -> Path:
    """apps/v1 DaemonSet: daemonset-apps-v1.json; of a group like rbac.authorization.k8s.io the
    first word counts."""
    group, _, number = api_version.rpartition("/")
    words = [kind.lower(), group.split(".")[0], number]
    return FOLDERS[version] / ("-".join(word for word in words if word) + ".json")


def check(one: dict[str, Any], version: str) -> None:
    file = _file(version, one["apiVersion"], one["kind"])
    schema = json.loads(file.read_text())
    # All that a schema refers to is in one file: nothing is fetched by those names.
    definitions = _definitions(version)
    resolver = jsonschema.RefResolver(
        schema["$id"], schema, store={definitions["$id"]: definitions}
    )
    jsonschema.Draft7Validator(schema, resolver=resolver).validate(one)
