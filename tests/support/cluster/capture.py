"""Packet capture: which packets passed which device, in which direction, read from AF_PACKET
sockets.

A Capture opens one socket in each namespace it watches (all devices of the namespace), and
classifies afterwards what was seen. Only headers are kept: a socket filter cuts every packet.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from support.netns import Netns

ETH_P_ALL = 0x0003
SO_RCVBUFFORCE = 33
SO_ATTACH_FILTER = 26
PACKET_OUTGOING = 4
KEPT_BYTES = 128
RECEIVE_BUFFER = 64 << 20

TCP, UDP, ICMP = 6, 17, 1
SYN, ACK = 0x02, 0x10


@dataclass(frozen=True)
class Packet:
    """One IPv4 packet on one device. `out` is the direction as the namespace sees it: out of it, or
    into it."""

    netns: str
    device: str
    out: bool
    protocol: int
    src: str
    dst: str
    sport: int = 0
    dport: int = 0
    flags: int = 0

    @property
    def is_syn(self) -> bool:
        return self.protocol == TCP and self.flags & (SYN | ACK) == SYN

    def __str__(self) -> str:
        arrow = "out" if self.out else "in"
        kind = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}.get(self.protocol, str(self.protocol))
        syn = " SYN" if self.is_syn else ""
        ends = f"{self.src}:{self.sport} > {self.dst}:{self.dport}"
        return f"{self.netns}/{self.device} {arrow} {kind} {ends}{syn}"


def parse(netns: str, device: str, out: bool, frame: bytes) -> Packet | None:
    """The IPv4 packet of an Ethernet frame; None for anything else."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return None
    header_length = (frame[14] & 0x0F) * 4
    protocol = frame[23]
    src, dst = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    payload = frame[14 + header_length :]
    is_fragment = struct.unpack_from("!H", frame, 20)[0] & 0x1FFF != 0
    if protocol not in (TCP, UDP) or len(payload) < 8 or is_fragment:
        return Packet(netns, device, out, protocol, src, dst)
    sport, dport = struct.unpack_from("!HH", payload)
    flags = payload[13] if protocol == TCP and len(payload) > 13 else 0
    return Packet(netns, device, out, protocol, src, dst, sport, dport, flags)


def _open_socket() -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    # struct sock_fprog with the one classic BPF instruction "return KEPT_BYTES".
    code = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, KEPT_BYTES))
    program = struct.pack("HL", 1, ctypes.addressof(code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    sock.setblocking(False)
    return sock


class Capture:
    """Context manager: records what passes in the namespaces while it is open."""

    def __init__(self, watched: Iterable[Netns]) -> None:
        self._watched = list(watched)
        self._sockets: list[tuple[str, socket.socket]] = []
        self._packets: list[Packet] = []

    def __enter__(self) -> Capture:
        self._sockets = [(netns.name, netns.run(_open_socket)) for netns in self._watched]
        return self

    def __exit__(self, *_: object) -> None:
        self.packets()
        for _name, sock in self._sockets:
            sock.close()
        self._sockets = []

    def packets(self) -> list[Packet]:
        """All packets so far, oldest first within a namespace."""
        for name, sock in self._sockets:
            while True:
                try:
                    frame, address = sock.recvfrom(KEPT_BYTES)
                except BlockingIOError:
                    break
                packet = parse(name, address[0], address[2] == PACKET_OUTGOING, frame)
                if packet is not None:
                    self._packets.append(packet)
        return self._packets

    def count(self, netns: str, device: str, **fields: object) -> int:
        """How many packets on the device have all the given field values (names of Packet)."""
        return sum(
            1
            for packet in self.packets()
            if packet.netns == netns
            and packet.device == device
            and all(getattr(packet, name) == value for name, value in fields.items())
        )

    def summary(self) -> str:
        """Each kind of packet once, with its count: what an assertion prints."""
        return "\n".join(f"{n:6} {packet}" for packet, n in Counter(self.packets()).items())
