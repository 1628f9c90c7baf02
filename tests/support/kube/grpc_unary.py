"""Unary gRPC calls over a unix socket, and protobuf messages as plain values: what the kubelet
speaks to a container runtime, without generated code.

gRPC over HTTP/2: a request is one message behind a flag byte and a length; the outcome stands in
the trailers. Protobuf: only length-delimited fields and varints occur in the messages we use.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import h2.config
import h2.connection
import h2.events

Value = int | bytes | str | dict | list
Fields = dict[int, list]


class GrpcError(Exception):
    """The call failed; `code` is gRPC's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(message: dict[int, Value]) -> bytes:
    """Field number to value: a number, text, bytes, a message, or a list of these (repeated)."""
    out = b""
    for number, value in message.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, int):
                out += _varint(number << 3) + _varint(each)
                continue
            if isinstance(each, dict):
                each = encode(each)
            data = each.encode() if isinstance(each, str) else each
            out += _varint(number << 3 | 2) + _varint(len(data)) + data
    return out


def decode(data: bytes) -> Fields:
    """Field number to values in their order; messages inside stay bytes."""
    fields: Fields = {}
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(data):
        tag = varint()
        if tag & 7 == 0:
            fields.setdefault(tag >> 3, []).append(varint())
        elif tag & 7 == 2:
            length = varint()
            fields.setdefault(tag >> 3, []).append(data[position : position + length])
            position += length
        else:
            raise ValueError(f"wire type {tag & 7} is not expected")
    return fields


def call(path: Path, method: str, message: dict[int, Value], timeout: float) -> Fields:
    """One call on a connection of its own; the fields of its answer."""
    body = encode(message)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        sock.connect(str(path))
        http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        http.initiate_connection()
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]
        http.send_headers(1, headers)
        http.send_data(1, struct.pack(">BI", 0, len(body)) + body, end_stream=True)
        return _answer(sock, http)


def _answer(sock: socket.socket, http: h2.connection.H2Connection) -> Fields:
    answer, outcome = b"", {}
    while True:
        sock.sendall(http.data_to_send())
        if not (data := sock.recv(65536)):
            raise GrpcError("14", "the runtime closed the connection")
        for event in http.receive_data(data):
            match event:
                case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                    outcome.update(event.headers)
                case h2.events.DataReceived():
                    answer += event.data
                    http.acknowledge_received_data(event.flow_controlled_length, 1)
                case h2.events.StreamEnded():
                    if (code := outcome.get("grpc-status")) != "0":
                        raise GrpcError(str(code), outcome.get("grpc-message", ""))
                    return decode(answer[5:])
                case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                    raise GrpcError("14", str(event))
