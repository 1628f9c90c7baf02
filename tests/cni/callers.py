"""Sockets of the pods' users: connections and questions as a user and a group, and where they were bound
for."""

from __future__ import annotations

import ctypes
import platform
import socket
import struct
from collections.abc import Callable
from typing import TypeVar

from support.netns import Netns

T = TypeVar("T")

PROXY = 1337  # user and group, unless the pod says otherwise
SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h; IP6T_SO_ORIGINAL_DST is the same number
TIMEOUT = 10.0

# x86-64's, and those of all newer machines.
SYS_SETRESUID, SYS_SETRESGID = (117, 119) if platform.machine() == "x86_64" else (147, 149)
LIBC = ctypes.CDLL(None, use_errno=True)


def as_user(netns: Netns, user: int, group: int, work: Callable[[], T]) -> T:
    """Only the thread that enters the namespace changes its user: the raw calls, not libc's, which
    change all threads."""

    def become_and_work() -> T:
        assert LIBC.syscall(SYS_SETRESGID, group, group, group) == 0
        assert LIBC.syscall(SYS_SETRESUID, user, user, user) == 0
        return work()

    return netns.run(become_and_work)


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def dial(
    netns: Netns,
    address: str,
    port: int,
    user: int,
    group: int | None = None,
    source: str | None = None,
    timeout: float = TIMEOUT,
) -> socket.socket:
    def connect() -> socket.socket:
        client = socket.socket(family_of(address), socket.SOCK_STREAM)
        client.settimeout(timeout)
        if source is not None:
            client.bind((source, 0))
        client.connect((address, port))
        return client

    return as_user(netns, user, user if group is None else group, connect)


def ask(netns: Netns, address: str, port: int, question: bytes, user: int) -> bytes:
    """One datagram there, and the first one back from there."""

    def exchange() -> bytes:
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as client:
            client.settimeout(TIMEOUT)
            client.connect((address, port))
            client.send(question)
            return client.recv(4096)

    return as_user(netns, user, user, exchange)


def original_destination(connection: socket.socket) -> tuple[str, int]:
    """Before a REDIRECT, as a proxy asks for it."""
    if connection.family == socket.AF_INET:
        raw = connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), struct.unpack("!H", raw[2:4])[0]
    raw = connection.getsockopt(socket.IPPROTO_IPV6, SO_ORIGINAL_DST, 28)
    return socket.inet_ntop(socket.AF_INET6, raw[8:24]), struct.unpack("!H", raw[2:4])[0]


SYN, FIN = 0x02, 0x01
IPV6_CHECKSUM = 7  # linux/in6.h; of TCP it stands at byte 16


def answered(netns: Netns, source: str, address: str, port: int, flags: list[int]) -> list[bool]:
    """Sends TCP segments one after the other, each of a connection of its own, and says which were answered.
    The last one must be: until then all answers are waited for."""
    first = 40000
    family = family_of(address)

    def exchange() -> list[bool]:
        with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
            raw.settimeout(TIMEOUT)
            raw.bind((source, 0))
            raw.connect((address, 0))
            if family == socket.AF_INET6:
                raw.setsockopt(socket.IPPROTO_IPV6, IPV6_CHECKSUM, 16)
            for number, bits in enumerate(flags):
                segment = struct.pack("!HHIIBBHHH", first + number, port, 1, 0, 0x50, bits, 65535, 0, 0)
                if family == socket.AF_INET:
                    segment = _with_checksum(segment, source, address)
                raw.send(segment)
            seen = [False] * len(flags)
            while not seen[-1]:
                packet = raw.recv(65536)
                header = (packet[0] & 0x0F) * 4 if family == socket.AF_INET else 0
                got_from, got_to = struct.unpack_from("!HH", packet, header)
                if got_from == port and first <= got_to < first + len(flags):
                    seen[got_to - first] = True
            return seen

    return netns.run(exchange)


def _with_checksum(segment: bytes, source: str, address: str) -> bytes:
    """RFC 9293, 3.1: over the segment and a pseudo header."""
    ends = socket.inet_aton(source) + socket.inet_aton(address)
    data = ends + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(segment)) + segment
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return segment[:16] + struct.pack("!H", ~total & 0xFFFF) + segment[18:]
