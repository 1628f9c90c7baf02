"""Applications of the pods: a TCP server that says whom it saw, and clients that move data both
ways.

One round of the protocol on a connection: the client sends a JSON line {"upload": N, "download": M}
and N bytes; the server checks them, answers with a JSON line {"peer": [address, port], "local":
[...], "intact": bool} and M bytes. Rounds repeat until the client closes. Both ends check every
byte, so a lost, doubled or mixed-up segment shows.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from dataclasses import dataclass
from typing import BinaryIO

from support.netns import Netns

TRANSFER = 400_000  # bytes each way: well over every window, so more than a handshake must work
TIMEOUT = 60.0
Address = tuple[str, int]


def pattern(length: int) -> bytes:
    """Bytes without a period that a segment boundary could hide."""
    block = b"".join(struct.pack("!I", n * 2654435761 & 0xFFFFFFFF) for n in range(251))
    return (block * (length // len(block) + 1))[:length]


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        chunk = stream.read(min(65536, length - len(data)))
        if not chunk:
            raise ConnectionError(f"closed after {len(data)} of {length} bytes")
        data += chunk
    return bytes(data)


class AppServer:
    """Serves the protocol on one address of one namespace until closed. `peers` lists who
    connected, in order."""

    def __init__(self, netns: Netns, port: int, address: str = "0.0.0.0") -> None:
        self.netns = netns
        self.port = port
        self.peers: list[str] = []

        def listen() -> socket.socket:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            sock.listen(64)
            return sock

        self._listener = netns.run(listen)
        threading.Thread(target=self._accept, name=f"app-{netns.name}:{port}", daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, peer = self._listener.accept()
                self.peers.append(peer[0])
                threading.Thread(target=self._serve, args=(connection, peer), daemon=True).start()

    @staticmethod
    def _serve(connection: socket.socket, peer: Address) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                wanted = json.loads(line)
                data = _read_exactly(stream, wanted["upload"])
                answer = {
                    "peer": peer,
                    "local": connection.getsockname(),
                    "intact": data == pattern(wanted["upload"]),
                }
                connection.sendall(
                    json.dumps(answer).encode() + b"\n" + pattern(wanted["download"])
                )


class EchoServer(AppServer):
    """Sends every byte back: what the stand-in's control plane connection expects."""

    @staticmethod
    def _serve(connection: socket.socket, peer: Address) -> None:
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(65536):
                connection.sendall(data)


@dataclass(frozen=True)
class Seen:
    """What one connection looked like from both ends."""

    client: Address
    server_peer: Address  # the client as the server saw it
    server_local: Address  # the address the server was reached at


class Connection:
    """A client connection, opened in a namespace and optionally bound to a source address."""

    def __init__(
        self,
        netns: Netns,
        destination: Address,
        source: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        def connect() -> socket.socket:
            sock = socket.socket()
            sock.settimeout(timeout)
            if source is not None:
                sock.bind((source, 0))
            try:
                sock.connect(destination)
            except BaseException:
                sock.close()
                raise
            return sock

        self._socket = netns.run(connect)
        self._stream = self._socket.makefile("rb")

    def round(self, upload: int = TRANSFER, download: int = TRANSFER) -> Seen:
        """Moves the bytes both ways; raises OSError when the connection fails or data is not what
        was sent."""
        header = json.dumps({"upload": upload, "download": download}).encode() + b"\n"
        self._socket.sendall(header + pattern(upload))
        line = self._stream.readline()
        if not line:
            raise ConnectionError("closed before an answer")
        answer = json.loads(line)
        received = _read_exactly(self._stream, download)
        if not answer["intact"] or received != pattern(download):
            raise ConnectionError("data changed on the way")
        return Seen(self._socket.getsockname(), tuple(answer["peer"]), tuple(answer["local"]))

    def abort(self) -> None:
        """Ends a round that waits in another thread: it raises."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def exchange(
    netns: Netns, destination: Address, source: str | None = None, timeout: float = TIMEOUT
) -> Seen:
    """One connection, one full round."""
    with Connection(netns, destination, source, timeout) as connection:
        return connection.round()
