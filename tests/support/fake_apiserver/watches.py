"""Watches: every change after a resource version, as one JSON object a line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from support.fake_apiserver import status
from support.fake_apiserver.faults import BreakInEvent, Kind, Silence
from support.fake_apiserver.http1 import BrokenOnPurpose, Request, Response
from support.fake_apiserver.selection import PARTIAL_LIST, Selection, alone
from support.fake_apiserver.store import RESOURCES, Change, Store

BOOKMARK_PERIOD = 60.0  # cacher.go, defaultBookmarkFrequency
BOOKMARK_BEFORE_END = 2.0
DEFAULT_TIMEOUT = 1800  # --min-request-timeout; a real server takes up to twice as long


def frame(kind: str, text: str) -> bytes:
    return f'{{"type":"{kind}","object":{text}}}\n'.encode()


@dataclass
class Watch:
    """One that is being served. What is put into `orders` comes before any further event: bytes
    to send as they are, or an order of the constants below."""

    resource: str
    selection: Selection
    form: str
    version: int  # what was sent so far
    bookmarks: bool
    wake: asyncio.Event
    orders: list[Any] = field(default_factory=list)

    def bookmark(self) -> bytes:
        resource = RESOURCES[self.resource]
        head = (
            {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            if self.form
            else {"kind": resource.kind, "apiVersion": resource.api_version}
        )
        metadata = {"resourceVersion": str(self.version), "creationTimestamp": None}
        return frame("BOOKMARK", json.dumps(head | {"metadata": metadata}, separators=(",", ":")))

    def event(self, change: Change) -> bytes | None:
        """What a change is to this watch: an object that begins to match was added."""
        if change.resource != self.resource:
            return None
        before, after = (self.selection.matches(each) for each in (change.before, change.after))
        if after:
            return frame("MODIFIED" if before else "ADDED", alone(change.last, self.form))
        return frame("DELETED", alone(change.last, self.form)) if before else None


END, BREAK, BOOKMARK = "end", "break", "bookmark"


class Watches:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.running: list[Watch] = []
        self.muted: Callable[[str], bool] = lambda _: False  # of what changes are told later
        self.begun: Callable[[], None] = lambda: None
        store.changed = self.wake

    def wake(self) -> None:
        for watch in self.running:
            watch.wake.set()

    def order(self, resource: str | None, order: bytes | str) -> int:
        """To all watches of the resource; how many those are."""
        found = [watch for watch in self.running if resource in (None, watch.resource)]
        for watch in found:
            watch.orders.append(order)
            watch.wake.set()
        return len(found)

    async def serve(
        self,
        resource: str,
        selection: Selection,
        form: str,
        request: Request,
        response: Response,
        fault: Kind | None,
    ) -> None:
        query = request.query
        asked = query.get("resourceVersion", "")
        if asked and not asked.isdigit():
            raise status.bad_request(f"Invalid value: {asked}: must be a number")
        version = int(asked or "0")
        bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
        watch = Watch(
            resource, selection, form, version or self._store.version, bookmarks, request.wake
        )
        headers = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
        await response.start(200, headers)
        if form == PARTIAL_LIST:  # no event can be encoded: kube-apiserver 1.33 just ends
            await response.end()
            return
        if version and version < self._store.oldest:
            # After authorization, errors of a watch are events of it (cacher.go, newErrWatcher).
            expired = status.expired_watch(version, self._store.oldest)
            await response.send(frame("ERROR", json.dumps(expired)))
            await response.end()
            return
        if not version:  # "Get State and Start at Any"
            for stored in self._store.objects(resource):
                if selection.matches(stored):
                    await response.send(frame("ADDED", alone(stored, form)))
        self.running.append(watch)
        self.begun()
        try:
            await self._follow(watch, query, request, response, fault)
        finally:
            self.running.remove(watch)
        await response.end()

    async def _follow(
        self,
        watch: Watch,
        query: dict[str, str],
        request: Request,
        response: Response,
        fault: Kind | None,
    ) -> None:
        while isinstance(fault, Silence):
            if request.cancelled:
                raise BrokenOnPurpose
            request.wake.clear()
            await request.wake.wait()
        loop = asyncio.get_running_loop()
        end = loop.time() + (int(query.get("timeoutSeconds") or "0") or DEFAULT_TIMEOUT)
        # cacher.go, nextBookmarkTime: regularly, and once shortly before the end.
        bookmark_at = min(loop.time() + BOOKMARK_PERIOD, end - BOOKMARK_BEFORE_END)
        while not request.cancelled:
            watch.wake.clear()
            for change in [] if self.muted(watch.resource) else self._store.changes_after(watch.version):
                event = watch.event(change)
                if event and isinstance(fault, BreakInEvent):
                    await response.send(event[: len(event) // 2])
                    raise BrokenOnPurpose
                if event:
                    await response.send(event)
                watch.version = change.version
            while watch.orders:
                if await _obey(watch, watch.orders.pop(0), response):
                    return
            now = loop.time()
            if now >= end:
                return
            if now >= bookmark_at:
                if watch.bookmarks:
                    await response.send(watch.bookmark())
                bookmark_at = now + BOOKMARK_PERIOD
            try:
                await asyncio.wait_for(watch.wake.wait(), min(end, bookmark_at) - now)
            except asyncio.TimeoutError:
                pass


async def _obey(watch: Watch, order: bytes | str, response: Response) -> bool:
    """True when that was the end."""
    if order == BREAK:
        raise BrokenOnPurpose
    if order == BOOKMARK:
        if watch.bookmarks:
            await response.send(watch.bookmark())
    elif isinstance(order, bytes):
        await response.send(order)
    return order == END
