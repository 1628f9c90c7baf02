"""What goes wrong on purpose: which requests, how often, and how."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from support.fake_apiserver import status


@dataclass(frozen=True)
class Answer:
    """This answer instead of the right one."""

    code: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @staticmethod
    def too_many_requests(retry_after: int) -> Answer:
        """k8s.io/apiserver/pkg/server/filters/maxinflight.go: plain text, not a Status."""
        body = b"Too many requests, please try again later.\n"
        return Answer(429, {"Retry-After": str(retry_after), "Content-Type": "text/plain"}, body)

    @staticmethod
    def error(code: int, reason: str = "InternalError") -> Answer:
        return Answer(code, body=status.encode(status.failure(code, reason, "on purpose")))

    @staticmethod
    def gone() -> Answer:
        return Answer(410, body=status.encode(status.expired_watch(1, 2)))


@dataclass(frozen=True)
class Break:
    """The right answer, but the connection breaks after so many bytes of its body (0: before any
    answer)."""

    after: int = 0


@dataclass(frozen=True)
class BreakInEvent:
    """A watch breaks in the middle of its next event."""


@dataclass(frozen=True)
class Hang:
    """No answer, until the client gives up."""


@dataclass(frozen=True)
class Late:
    """The right answer as of when it was asked for, but sent only when the server is told to."""

    released: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Compact:
    """The right answer, but everything older than now is compacted just before it."""


@dataclass(frozen=True)
class Silence:
    """A watch begins, and then nothing comes, not even its end, until the client gives up: as
    when the connection died without a word."""


@dataclass(frozen=True)
class Pieces:
    """The right answer in writes (and TLS records) of so many bytes."""

    size: int


Kind = Answer | Break | BreakInEvent | Compact | Hang | Late | Pieces | Silence


@dataclass
class Fault:
    """Strikes the next `times` requests of this kind; any when a field is None."""

    kind: Kind
    verb: str | None = None  # get, list, watch, create, patch
    resource: str | None = None
    times: int = 1
    continued: bool | None = None  # lists only: a further chunk, or the first

    def strikes(self, verb: str, resource: str, query: dict[str, str]) -> bool:
        if self.times <= 0 or self.verb not in (None, verb):
            return False
        if self.continued is not None and self.continued != ("continue" in query):
            return False
        return self.resource in (None, resource)


class Faults:
    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        self._planned.append(fault)

    def clear(self) -> None:
        self._planned.clear()

    def take(self, verb: str, resource: str, query: dict[str, str]) -> Kind | None:
        for fault in self._planned:
            if fault.strikes(verb, resource, query):
                fault.times -= 1
                return fault.kind
        return None
