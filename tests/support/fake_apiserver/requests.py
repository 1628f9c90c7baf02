"""What the server was asked, and waiting for it to be asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from support.fake_apiserver.api import Target
from support.fake_apiserver.http1 import Request


@dataclass
class Seen:
    """One request, as the server saw it."""

    connection: int
    verb: str
    target: Target | None
    request: Request
    user: str
    began: float  # time.monotonic()
    code: int = 0  # of the answer; 0 before it, or when there was none
    ended: float | None = None

    @property
    def resource(self) -> str:
        return self.target.resource if self.target else ""

    @property
    def query(self) -> dict[str, str]:
        return self.request.query


class RequestLog:
    """Filled by the server's loop, read and waited for by any thread."""

    def __init__(self) -> None:
        self._all: list[Seen] = []
        self._changed = threading.Condition()
        self._news = 0  # counts what wait() should look at

    def add(self, seen: Seen) -> None:
        with self._changed:
            self._all.append(seen)
        self.notify()

    def notify(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def matching(self, verb: str | None, resource: str | None) -> list[Seen]:
        with self._changed:
            return [
                seen
                for seen in self._all
                if verb in (None, seen.verb) and resource in (None, seen.resource)
            ]

    def wait(self, condition: Callable[[], bool], what: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            # Not under the lock: the condition may have to ask the loop, which takes it, too.
            with self._changed:
                looked_at = self._news
            if condition():
                return
            with self._changed:
                while self._news == looked_at:
                    left = deadline - time.monotonic()
                    seen = [(each.verb, each.resource, each.code) for each in self._all[-20:]]
                    assert left > 0, f"not within {timeout} s: {what}; the last requests: {seen}"
                    self._changed.wait(left)
