"""As much of HTTP/1.1 as a client of the API needs: requests with a body, answers whole or in
chunks."""

from __future__ import annotations

import asyncio
import urllib.parse
from dataclasses import dataclass, field
from http import HTTPStatus

HEAD_LIMIT = 64 << 10
BODY_LIMIT = 4 << 20
UNCHUNKED_LIMIT = 2048  # Go's net/http knows the length of an answer only up to here
PIECE = 64 << 10


class BrokenOnPurpose(Exception):
    """A fault ends this connection here."""


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes
    cancelled: bool = False  # the client has gone
    wake: asyncio.Event = field(default_factory=asyncio.Event)  # set when it goes

    def cancel(self) -> None:
        self.cancelled = True
        self.wake.set()


async def read_request(first_byte: bytes, reader: asyncio.StreamReader) -> Request:
    head = first_byte + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _version = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = min(int(headers.get("content-length", "0")), BODY_LIMIT)
    body = await reader.readexactly(length)
    path, _, query = target.partition("?")
    fields = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    return Request(method, urllib.parse.unquote(path), fields, headers, body)


class Response:
    """Writes one answer. `break_after`: so many bytes of the body are sent, then the connection
    breaks; `piece`: the body goes out in writes of this size."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.status = 0
        self.break_after: int | None = None
        self.piece = PIECE
        self._sent = 0

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.status = status
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def whole(self, status: int, headers: dict[str, str], body: bytes) -> None:
        chunked = len(body) > UNCHUNKED_LIMIT or self.break_after is not None
        if chunked:
            await self.start(status, headers)
            await self.send(body)
            await self.end()
        else:
            self._head(status, headers | {"Content-Length": str(len(body))})
            self._writer.write(body)
            await self._writer.drain()

    async def start(self, status: int, headers: dict[str, str]) -> None:
        """Of an answer in chunks."""
        if self.break_after == 0:
            raise BrokenOnPurpose
        self._head(status, headers | {"Transfer-Encoding": "chunked"})
        await self._writer.drain()

    async def send(self, body: bytes) -> None:
        for begin in range(0, len(body), self.piece):
            piece = body[begin : begin + self.piece]
            left = len(piece) if self.break_after is None else self.break_after - self._sent
            await self._chunk(piece[:left])
            if left < len(piece):
                raise BrokenOnPurpose

    async def _chunk(self, data: bytes) -> None:
        if data:
            self._writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            self._sent += len(data)
            await self._writer.drain()

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()
