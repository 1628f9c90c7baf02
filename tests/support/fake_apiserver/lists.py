"""Lists in chunks: each chunk continues the list as it was when the first one was asked for."""

from __future__ import annotations

import base64
import json

from support.fake_apiserver import status
from support.fake_apiserver.selection import Selection, item
from support.fake_apiserver.store import RESOURCES, Key, Store, Stored

LISTS_KEPT = 64
LATEST = -1  # in a continue token: go on with the list as it is now


def _encode(version: int, after: Key) -> str:
    token = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": list(after)})
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def _decode(token: str) -> tuple[int, Key]:
    try:
        value = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(value["rv"]), (value["start"][0], value["start"][1])
    except (ValueError, KeyError, IndexError):
        raise status.bad_request("invalid continue token: continue key is not valid") from None


class Lists:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.lagging = False  # what need not be of now is as old as was asked for
        self._begun: dict[tuple[str, int], list[Stored]] = {}

    def page(
        self, resource: str, selection: Selection, query: dict[str, str], form: str
    ) -> bytes:
        version, found = self._find(resource, query)
        found = [stored for stored in found if selection.matches(stored)]
        limit = int(query.get("limit") or "0")
        # "limit" is passed over when any version will do: the watch cache answers.
        if query.get("resourceVersion") == "0" and "continue" not in query:
            limit = 0
        metadata = {"resourceVersion": str(version)}
        if limit and len(found) > limit:
            found, left = found[:limit], len(found) - limit
            metadata["continue"] = _encode(version, found[-1].key)
            if not selection.fields:  # with a selector the rest is not known
                metadata["remainingItemCount"] = left
        kind = RESOURCES[resource].kind + "List" if not form else "PartialObjectMetadataList"
        api_version = RESOURCES[resource].api_version if not form else "meta.k8s.io/v1"
        head = json.dumps(
            {"kind": kind, "apiVersion": api_version, "metadata": metadata}, separators=(",", ":")
        )
        items = ",".join(item(stored, form) for stored in found)
        return f'{head[:-1]},"items":[{items}]}}\n'.encode()

    def _find(self, resource: str, query: dict[str, str]) -> tuple[int, list[Stored]]:
        """The list's version, and what comes after the continue token."""
        if not (token := query.get("continue")):
            return self._begin(resource, query.get("resourceVersion", ""))
        version, after = _decode(token)
        if version == LATEST:
            version, found = self._store.version, self._store.objects(resource)
        elif version < self._store.oldest or (resource, version) not in self._begun:
            raise status.expired_continue(_encode(LATEST, after))
        else:
            found = self._begun[resource, version]
        return version, [stored for stored in found if stored.key > after]

    def _begin(self, resource: str, asked: str) -> tuple[int, list[Stored]]:
        if asked and not asked.isdigit():
            raise status.bad_request(f"Invalid value: {asked}: must be a number")
        if int(asked or "0") > self._store.version:
            raise status.too_large_version(int(asked), self._store.version)
        if self.lagging and int(asked or "0") > 0:
            return int(asked), self._store.objects_at(resource, int(asked))
        version, found = self._store.version, self._store.objects(resource)
        self._begun[resource, version] = found
        while len(self._begun) > LISTS_KEPT:
            del self._begun[next(iter(self._begun))]
        return version, found
