"""PATCH: JSON merge patch (RFC 7386), JSON patch (RFC 6902), strategic merge patch as far as
metadata and spec.taints need it."""

from __future__ import annotations

import copy
import json
from typing import Any

from support.fake_apiserver import status

MERGE, JSON, STRATEGIC = (
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
)
# Lists that strategic merge takes as maps by this key; others are replaced (patchMergeKey in
# k8s.io/api/core/v1/types.go).
MERGE_KEYS = {"taints": "key", "containers": "name", "conditions": "type"}


def apply(content_type: str, body: bytes, target: dict[str, Any]) -> dict[str, Any]:
    """The patched object; the target stays as it is."""
    if content_type not in (MERGE, JSON, STRATEGIC):
        raise status.unsupported_media_type()
    try:
        patch = json.loads(body)
    except ValueError as error:
        raise status.bad_request(f"error decoding patch: {error}") from None
    if content_type == JSON:
        return json_patch(patch, target)
    return merge(patch, target, strategic=content_type == STRATEGIC)


def keep_what_is_not_its_own(
    subresource: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """The object itself and its status are written apart, silently: what a request says of the other
    counts for nothing, nor may status touch owners. Metadata is of both. pkg/registry/core/pod/strategy.go
    and node/strategy.go, PrepareForUpdate."""
    kept = ("spec",) if subresource == "status" else ("status",)
    _copy(kept, before, after)
    if subresource == "status":
        _copy(("ownerReferences",), before["metadata"], after["metadata"])


def _copy(fields: tuple[str, ...], before: dict[str, Any], after: dict[str, Any]) -> None:
    for field in fields:
        after.pop(field, None)
        if field in before:
            after[field] = copy.deepcopy(before[field])


def merge(patch: Any, target: Any, strategic: bool = False) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif strategic and name in MERGE_KEYS and isinstance(value, list):
            result[name] = _merge_list(value, result.get(name, []), MERGE_KEYS[name])
        else:
            result[name] = merge(value, result.get(name), strategic)
    return result


def _merge_list(patch: list[Any], target: list[Any], key: str) -> list[Any]:
    result = copy.deepcopy(target)
    for change in patch:
        found = [entry for entry in result if entry.get(key) == change.get(key)]
        if change.get("$patch") == "delete":
            result = [entry for entry in result if entry not in found]
        elif found:
            result[result.index(found[0])] = merge(change, found[0], strategic=True)
        else:
            result.append(copy.deepcopy(change))
    return result


def json_patch(operations: Any, target: dict[str, Any]) -> dict[str, Any]:
    """All of it or nothing. What cannot be applied is 422, as in the API server's patch.go."""
    if not isinstance(operations, list):
        raise status.bad_request("error decoding patch: not a list of operations")
    result = copy.deepcopy(target)
    try:
        for operation in operations:
            _operate(operation, result)
    except (KeyError, IndexError, ValueError, TypeError):
        raise status.invalid(
            "the server rejected our request due to an error in our request"
        ) from None
    return result


def _operate(operation: dict[str, Any], document: dict[str, Any]) -> None:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
    parent: Any = document
    for step in steps[:-1]:
        parent = parent[int(step)] if isinstance(parent, list) else parent[step]
    last: Any = steps[-1]
    if isinstance(parent, list) and last != "-":
        last = int(last)
    match operation["op"]:
        case "test":
            if parent[last] != operation["value"]:
                raise ValueError("test failed")
        case "remove":
            del parent[last]
        case "replace":
            parent[last]  # noqa: B018  it must be there
            parent[last] = operation["value"]
        case "add" if last == "-":
            parent.append(operation["value"])
        case "add" if isinstance(parent, list):
            parent.insert(last, operation["value"])
        case "add":
            parent[last] = operation["value"]
        case other:
            raise ValueError(other)
