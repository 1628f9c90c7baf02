"""As much of RFC 1035 as a test needs: an A query, and the address in its answer."""

from __future__ import annotations

import socket
import struct


def query(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return (
        struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)
    )


def address_in(answer: bytes) -> str:
    """The address of a message whose last record is an A record."""
    assert struct.unpack_from("!H", answer, 6)[0] >= 1, f"no answer records in {answer!r}"
    return socket.inet_ntoa(answer[-4:])
