"""The server itself: TLS, connections, and the handle by which tests steer it."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from support.fake_apiserver.api import Api
from support.fake_apiserver.certificates import Authority
from support.fake_apiserver.connection import Connection
from support.fake_apiserver.faults import Fault, Kind, Late
from support.fake_apiserver.http1 import HEAD_LIMIT
from support.fake_apiserver.requests import RequestLog, Seen
from support.fake_apiserver.watches import BOOKMARK, BREAK, END, frame

T = TypeVar("T")
TOKEN = "first-token"
HANDSHAKE_TIMEOUT = 10


def listening_socket(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=64)


class FakeApiServer:
    """A stand-in for kube-apiserver. Its methods may be called from any thread.

    `make_socket` makes the listening socket: in another network namespace, where one is wanted.
    """

    def __init__(
        self,
        folder: Path,
        address: str = "127.0.0.1",
        port: int = 0,
        make_socket: Callable[[str, int], socket.socket] = listening_socket,
    ) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self._address, self.port, self._make_socket = address, port, make_socket
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.verify_mode = ssl.CERT_OPTIONAL
        self._tls.load_verify_locations(self.authority.file)
        self.use_names("kubernetes.default.svc", "localhost", address)
        self._api = Api(tokens={TOKEN})
        self._log = RequestLog()
        self._api.watches.begun = self._log.notify
        self._connections = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.listen()

    @property
    def url(self) -> str:
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"https://{host}:{self.port}"

    def use_names(self, *hosts: str) -> None:
        """Shows new connections a certificate with these names."""
        self._tls.load_cert_chain(*self.authority.server("server", *hosts))

    # Steering ------------------------------------------------------------------------------------

    def _call(self, work: Callable[[], T]) -> T:
        """On the server's loop, which owns all state."""

        async def wrapped() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(wrapped(), self._loop).result(30)

    def put(self, resource: str, *objects: dict[str, Any]) -> None:
        """Creates or replaces; watches are told."""
        fresh = copy.deepcopy(objects)
        self._call(lambda: [self._api.store.put(resource, each) for each in fresh])

    def delete(self, resource: str, space: str, name: str) -> None:
        self._call(lambda: self._api.store.delete(resource, (space, name)))

    def get(self, resource: str, space: str, name: str) -> dict[str, Any] | None:
        found = self._call(lambda: self._api.store.find(resource, (space, name)))
        return copy.deepcopy(found.content) if found else None

    def all(self, resource: str) -> list[dict[str, Any]]:
        found = self._call(lambda: self._api.store.objects(resource))
        return [copy.deepcopy(each.content) for each in found]

    @property
    def version(self) -> int:
        return self._call(lambda: self._api.store.version)

    def compact(self) -> None:
        """All resource versions and continue tokens given out so far are too old from now on."""
        self._call(self._api.store.compact)

    def let_lists_lag(self) -> None:
        """As with a watch cache that is behind: a list is no newer than it was asked to be."""
        self._call(lambda: setattr(self._api.lists, "lagging", True))

    def fail(
        self,
        kind: Kind,
        verb: str | None = None,
        resource: str | None = None,
        times: int = 1,
        continued: bool | None = None,
    ) -> None:
        fault = Fault(kind, verb, resource, times, continued)
        self._call(lambda: self._api.faults.plan(fault))

    def release(self, late: Late) -> None:
        self._call(late.released.set)

    def heal(self) -> None:
        """No more faults; requests that hang go on hanging."""
        self._call(self._api.faults.clear)

    def set_tokens(self, *tokens: str) -> None:
        self._call(lambda: setattr(self._api, "tokens", set(tokens)))

    def forbid(self, *what: tuple[str, str]) -> None:
        """Exactly these (verb, resource) are forbidden from now on."""
        self._call(lambda: setattr(self._api, "forbidden", set(what)))

    def _order(self, resource: str | None, order: bytes | str) -> int:
        return self._call(lambda: self._api.watches.order(resource, order))

    def end_watches(self, resource: str | None = None) -> int:
        """As at their timeout."""
        return self._order(resource, END)

    def break_watches(self, resource: str | None = None) -> int:
        return self._order(resource, BREAK)

    def bookmark(self, resource: str | None = None) -> int:
        return self._order(resource, BOOKMARK)

    def send_raw(self, resource: str, data: bytes) -> int:
        return self._order(resource, data)

    def send_event(self, resource: str, kind: str, text: str) -> int:
        return self._order(resource, frame(kind, text))

    @contextlib.contextmanager
    def watches_held_back(self, resource: str | None = None) -> Iterator[None]:
        """Watches (of that resource) say nothing while it lasts; then all that happened."""

        def mute(muted: Callable[[str], bool]) -> None:
            self._api.watches.muted = muted
            self._api.watches.wake()

        self._call(lambda: mute(lambda watched: resource in (None, watched)))
        try:
            yield
        finally:
            self._call(lambda: mute(lambda _: False))

    def watching(self) -> list[str]:
        """The resources that are watched now."""
        return self._call(lambda: sorted(each.resource for each in self._api.watches.running))

    # Requests ------------------------------------------------------------------------------------

    def requests(self, verb: str | None = None, resource: str | None = None) -> list[Seen]:
        return self._log.matching(verb, resource)

    def wait_requests(
        self, verb: str, resource: str, count: int, timeout: float = 20
    ) -> list[Seen]:
        """All of them once there are `count`."""
        what = f"{count} x {verb} {resource}"
        self.wait(lambda: len(self.requests(verb, resource)) >= count, what, timeout)
        return self.requests(verb, resource)

    def wait_watched(self, *resources: str, timeout: float = 20) -> None:
        """Until exactly these are watched, each once."""
        wanted = sorted(resources)
        self.wait(lambda: self.watching() == wanted, f"watches of {wanted}", timeout)

    def wait(self, condition: Callable[[], bool], what: str, timeout: float = 20) -> None:
        """Looks again whenever a request or a watch begins or ends."""
        self._log.wait(condition, what, timeout)

    # Serving -------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Begins, or begins again on the same port."""
        sock = self._make_socket(self._address, self.port)
        self.port = sock.getsockname()[1]

        async def start() -> None:
            self._server = await asyncio.start_server(
                self._connected,
                sock=sock,
                ssl=self._tls,
                limit=HEAD_LIMIT,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            )

        asyncio.run_coroutine_threadsafe(start(), self._loop).result(30)

    def stop_listening(self) -> None:
        """Connections are refused and those that are open break."""

        def stop() -> None:
            if self._server:
                self._server.close()
                self._server = None
            for writer in self._writers:
                writer.transport.abort()

        self._call(stop)

    def close(self) -> None:
        self.stop_listening()

        async def end_connections() -> None:
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end_connections(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> FakeApiServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        self._writers.add(writer)
        try:
            await Connection(self._connections, reader, writer, self._api, self._log).serve()
        finally:
            self._writers.discard(writer)
