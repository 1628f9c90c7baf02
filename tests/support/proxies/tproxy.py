"""Transparent sockets, as ztunnel's: they accept and use addresses that are not the host's own."""

import asyncio
import errno
import socket

from .address import Endpoint

# From linux/in.h and linux/in6.h; Python's socket module does not have them.
IP_TRANSPARENT = 19
IPV6_TRANSPARENT = 75

CONNECT_TIMEOUT_S = 20


def _family(ip: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


def _make_transparent(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)


def listener(ip: str, port: int) -> socket.socket:
    """Where TPROXY delivers: getsockname() of what it accepts is the original destination."""
    sock = socket.socket(_family(ip), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _make_transparent(sock)
    sock.bind((ip, port))
    sock.listen(256)
    sock.setblocking(False)
    return sock


def listeners(port: int) -> list[socket.socket]:
    """On the loopback address of each family that this network namespace has."""
    result = [listener("127.0.0.1", port)]
    try:
        result.append(listener("::1", port))
    except OSError as error:
        if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise
    return result


async def connect(target: Endpoint, source: str | None) -> socket.socket:
    """A connection to `target` that shows `source` as its address (None: our own address)."""
    sock = socket.socket(_family(target.ip), socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if source:
            _make_transparent(sock)
            sock.bind((source, 0))
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(sock, (target.ip, target.port))
    except BaseException as error:
        sock.close()
        if isinstance(error, TimeoutError):
            raise TimeoutError(f"no answer in {CONNECT_TIMEOUT_S} s from {target}") from error
        raise
    return sock
