"""A DNS server that answers every question for an IPv4 address with the same one."""

import asyncio
import ipaddress
import struct

from .address import Endpoint
from .event_log import EventLog

TYPE_A = 1
CLASS_IN = 1
HEADER = struct.Struct("!6H")
FLAGS_RESPONSE = 0x8180  # response, recursion desired and available, no error
TTL_S = 30


def question(query: bytes) -> tuple[str, int, int]:
    """The name asked, its type, and where the question ends. ValueError if malformed."""
    labels = []
    position = HEADER.size
    try:
        while length := query[position]:
            if length > 63:
                raise ValueError("a compressed name in a question")
            labels.append(query[position + 1:position + 1 + length].decode("ascii"))
            position += 1 + length
        kind, _ = struct.unpack_from("!2H", query, position + 1)
    except (IndexError, struct.error) as error:
        raise ValueError("a truncated question") from error
    return ".".join(labels), kind, position + 5


def answer(query: bytes, address: str) -> bytes:
    _, kind, end = question(query)
    records = b""
    if kind == TYPE_A:
        # 0xc00c: the name is the one that stands right after the header (RFC 1035, 4.1.4).
        packed = ipaddress.IPv4Address(address).packed
        records = struct.pack("!3HIH", 0xC00C, TYPE_A, CLASS_IN, TTL_S, len(packed)) + packed
    (identifier,) = struct.unpack_from("!H", query)
    header = HEADER.pack(identifier, FLAGS_RESPONSE, 1, 1 if records else 0, 0, 0)
    return header + query[HEADER.size:end] + records


class DnsServer(asyncio.DatagramProtocol):
    def __init__(self, port: int, address: str, log: EventLog):
        self._port = port
        self._address = address
        self._log = log

    def connection_made(self, transport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr) -> None:
        try:
            with self._log.connection(self._port, src=Endpoint.of(addr)) as record:
                record["authority"] = question(data)[0]
                self._transport.sendto(answer(data, self._address), addr)
        except ValueError:
            return  # no answer; the record tells
