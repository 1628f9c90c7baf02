"""Two-way byte streams and the copying between them.

A stream is anything with read() (b"" at the end), write(), write_eof(), close() and abort():
TcpStream here, HboneStream in hbone.py. Each direction ends by itself, so that a half-closed
connection stays usable.
"""

import asyncio
import contextlib
import socket
import struct

CHUNK = 65536


class TcpStream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer

    @classmethod
    async def of(cls, sock: socket.socket) -> "TcpStream":
        return cls(*await asyncio.open_connection(sock=sock))

    async def read(self) -> bytes:
        return await self._reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def write_eof(self) -> None:
        self._writer.write_eof()

    def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        """Ends the connection with a reset, so that the other side does not take it for an end."""
        reset_on_close(self._writer.get_extra_info("socket"))
        self._writer.transport.abort()


def reset_on_close(sock) -> None:
    """close() then sends RST instead of FIN (SO_LINGER with time 0, socket(7))."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass  # already closed: there is nothing left to reset


@contextlib.contextmanager
def owned(stream):
    """Closes the stream at the end of the block, or resets it if the block fails."""
    try:
        yield stream
    except BaseException:
        stream.abort()
        raise
    stream.close()


async def _pump(source, sink) -> None:
    while data := await source.read():
        await sink.write(data)
    await sink.write_eof()


async def relay(one, other) -> None:
    """Copies both ways until both have ended, or raises what ended one of them early."""
    pumps = [asyncio.ensure_future(_pump(one, other)), asyncio.ensure_future(_pump(other, one))]
    try:
        await asyncio.gather(*pumps)
    finally:
        for pump in pumps:
            pump.cancel()
