"""Objects, and the history of their changes under one global counter, as etcd keeps them.

"Resource versions" and "Efficient detection of changes" in Kubernetes' API concepts. Used by the
server's loop only.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from support.fake_apiserver import status

Key = tuple[str, str]  # namespace (empty for what has none), name
FIRST_VERSION = 1000
HISTORY_KEPT = 100_000  # changes
METADATA = '{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":'


@dataclass(frozen=True)
class Resource:
    name: str  # as in the path: pods
    kind: str
    api_version: str
    namespaced: bool


RESOURCES = {
    resource.name: resource
    for resource in (
        Resource("pods", "Pod", "v1", True),
        Resource("namespaces", "Namespace", "v1", False),
        Resource("nodes", "Node", "v1", False),
        Resource("events", "Event", "v1", True),
        Resource("daemonsets", "DaemonSet", "apps/v1", True),
    )
}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


class Stored:
    """One version of an object; never changed."""

    def __init__(self, resource: Resource, content: dict[str, Any], version: int) -> None:
        self.resource = resource
        self.content = content
        self.version = version

    @property
    def key(self) -> Key:
        metadata = self.content["metadata"]
        return metadata.get("namespace", ""), metadata["name"]

    @cached_property
    def item(self) -> str:
        """As an item of a list: without kind and apiVersion, which the list has."""
        return _json(self.content)

    @cached_property
    def whole(self) -> str:
        head = _json({"kind": self.resource.kind, "apiVersion": self.resource.api_version})
        return head[:-1] + "," + self.item[1:]

    @cached_property
    def metadata_only(self) -> str:
        """PartialObjectMetadata keeps its kind inside a list, too (asPartialObjectMetadataList)."""
        return METADATA + _json(self.content["metadata"]) + "}"


@dataclass(frozen=True)
class Change:
    version: int
    resource: str
    before: Stored | None
    after: Stored | None  # of a deletion: None, and `last` says what was deleted
    last: Stored


class Store:
    def __init__(self) -> None:
        self.version = FIRST_VERSION
        self.oldest = FIRST_VERSION  # older versions than this are compacted away
        self._objects: dict[str, dict[Key, Stored]] = {name: {} for name in RESOURCES}
        self._changes: list[Change] = []
        self.changed: Callable[[], None] = lambda: None

    def objects(self, resource: str) -> list[Stored]:
        """In the order of etcd's keys: by namespace, then by name."""
        return [stored for _key, stored in sorted(self._objects[resource].items())]

    def objects_at(self, resource: str, version: int) -> list[Stored]:
        """As they were then."""
        then = dict(self._objects[resource])
        for change in reversed(list(self.changes_after(version))):
            if change.resource == resource and change.before:
                then[change.last.key] = change.before
            elif change.resource == resource:
                del then[change.last.key]
        return [stored for _key, stored in sorted(then.items())]

    def find(self, resource: str, key: Key) -> Stored | None:
        return self._objects[resource].get(key)

    def get(self, resource: str, key: Key) -> Stored:
        if (found := self.find(resource, key)) is None:
            raise status.not_found(resource, key[1])
        return found

    def put(self, resource: str, content: dict[str, Any]) -> Stored:
        """Creates or replaces; the object is the caller's no more."""
        self.version += 1
        content["metadata"]["resourceVersion"] = str(self.version)
        stored = Stored(RESOURCES[resource], content, self.version)
        before = self.find(resource, stored.key)
        self._objects[resource][stored.key] = stored
        self._record(Change(self.version, resource, before, stored, stored))
        return stored

    def delete(self, resource: str, key: Key) -> None:
        """At once. The deleted object's last word has the version of the deletion."""
        before = self.get(resource, key)
        self.version += 1
        content = copy.deepcopy(before.content)
        content["metadata"]["resourceVersion"] = str(self.version)
        last = Stored(RESOURCES[resource], content, self.version)
        del self._objects[resource][key]
        self._record(Change(self.version, resource, before, None, last))

    def _record(self, change: Change) -> None:
        self._changes.append(change)
        if len(self._changes) > HISTORY_KEPT:
            self._changes = self._changes[HISTORY_KEPT // 2 :]
            self.oldest = self._changes[0].version
        self.changed()

    def changes_after(self, version: int) -> Iterator[Change]:
        """Every change with a higher version, the oldest first."""
        low, high = 0, len(self._changes)
        while low < high:
            middle = (low + high) // 2
            if self._changes[middle].version <= version:
                low = middle + 1
            else:
                high = middle
        return iter(self._changes[low:])

    def compact(self) -> None:
        """Every version up to now can no longer be asked for."""
        self.version += 1  # so that also what was just told is too old
        self.oldest = self.version
