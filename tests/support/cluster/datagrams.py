"""UDP and ICMP echo between namespaces."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import threading

from support.cluster.traffic import TIMEOUT, Address, pattern
from support.netns import Netns

ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY = 8, 0
_identifiers = itertools.count(
    os.getpid()
)  # one a ping: conntrack would take a repeated one for an old flow


class UdpServer:
    """Sends every datagram back to its sender."""

    def __init__(self, netns: Netns, port: int, address: str = "0.0.0.0") -> None:
        def bind() -> socket.socket:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, port))
            return sock

        self._socket = netns.run(bind)
        threading.Thread(target=self._serve, name=f"udp-{netns.name}:{port}", daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the socket was closed
            while True:
                data, peer = self._socket.recvfrom(65536)
                if not data:
                    return  # the wake-up of close()
                self._socket.sendto(data, peer)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def udp_exchange(netns: Netns, destination: Address, request: bytes) -> bytes:
    """Sends one datagram and gives the answer; OSError when none comes."""

    def talk() -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(TIMEOUT)
            sock.connect(destination)
            sock.send(request)
            return sock.recv(65536)

    return netns.run(talk)


def send_spoofed(netns: Netns, source: str, destination: Address) -> None:
    """Sends an empty datagram with somebody else's address."""
    udp = struct.pack("!HHHH", 1, destination[1], 8, 0)
    ends = socket.inet_aton(source) + socket.inet_aton(destination[0])
    # The kernel fills in length, identification and checksum (raw(7), IP_HDRINCL).
    header = struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0) + ends

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
            sock.sendto(header + udp, (destination[0], 0))

    netns.run(send)


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(netns: Netns, destination: str, timeout: float = TIMEOUT) -> bool:
    """One ICMP echo; True when its own reply comes back, OSError (timed out) when nothing does."""
    identifier = next(_identifiers) & 0xFFFF
    body = pattern(56)

    def talk() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
            sock.settimeout(timeout)
            header = struct.pack("!BBHHH", ICMP_ECHO_REQUEST, 0, 0, identifier, 1)
            checksum = _checksum(header + body)
            header = struct.pack("!BBHHH", ICMP_ECHO_REQUEST, 0, checksum, identifier, 1)
            sock.sendto(header + body, (destination, 0))
            while True:
                packet, peer = sock.recvfrom(65536)
                reply = packet[(packet[0] & 0x0F) * 4 :]
                kind, _code, _sum, answered, _sequence = struct.unpack_from("!BBHHH", reply)
                if peer[0] == destination and kind == ICMP_ECHO_REPLY and answered == identifier:
                    return reply[8:] == body

    return netns.run(talk)
