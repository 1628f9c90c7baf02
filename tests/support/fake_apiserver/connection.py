"""One connection: its requests, one after the other."""

from __future__ import annotations

import asyncio
import ssl
import time

from support.fake_apiserver.api import Api, Target
from support.fake_apiserver.http1 import BrokenOnPurpose, Request, Response, read_request
from support.fake_apiserver.requests import RequestLog, Seen


class Connection:
    def __init__(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        api: Api,
        log: RequestLog,
    ) -> None:
        self._number, self._reader, self._writer = number, reader, writer
        self._api, self._log = api, log
        self._user = _user_of(writer)

    async def serve(self) -> None:
        try:
            # Reading one byte ahead tells when the client goes while it is being answered.
            ahead = asyncio.ensure_future(self._reader.read(1))
            while first := await ahead:
                request = await read_request(first, self._reader)
                ahead = asyncio.ensure_future(self._reader.read(1))
                ahead.add_done_callback(lambda task, request=request: _gone(task, request))
                await self._answer(request)
        except (BrokenOnPurpose, ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            self._writer.transport.abort()
        finally:
            self._writer.close()

    async def _answer(self, request: Request) -> None:
        target = Target.parse(request.path)
        verb = Api.verb(request, target)
        seen = Seen(self._number, verb, target, request, self._user, time.monotonic())
        self._log.add(seen)
        response = Response(self._writer)
        try:
            await self._api.answer(request, self._user, response)
        finally:
            seen.code, seen.ended = response.status, time.monotonic()
            self._log.notify()


def _gone(task: asyncio.Future[bytes], request: Request) -> None:
    if task.cancelled() or task.exception() or not task.result():
        request.cancel()


def _user_of(writer: asyncio.StreamWriter) -> str:
    """Whom the client's certificate names; empty without one."""
    certificate = writer.get_extra_info("peercert") or {}
    names = dict(part for group in certificate.get("subject", ()) for part in group)
    return names.get("commonName", "")
