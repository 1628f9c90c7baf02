"""A stand-in for ambient-node-agent's socket: answers as told, keeps what it heard.

It speaks the messages of common/rpc/messages.hpp; it decides nothing and touches no kernel.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]

VERSION = 2
# An answer that keeps the connection open and never comes.
SILENCE: Message = {"silence": True}
# An answer that is no message.
GARBAGE: Message = {"garbage": True}


def refusal(kind: str, doing: str) -> Message:
    return {"error": {"kind": kind, "doing": doing}}


def _identity(descriptor: int) -> tuple[int, int]:
    try:
        status = os.fstat(descriptor)
        return status.st_dev, status.st_ino
    finally:
        os.close(descriptor)


class AgentStandIn:
    """Listens at `path` until closed.

    `answers` maps a verb to its answer, or to a function that makes one from the request; a verb
    without one is answered with {}.
    """

    def __init__(self, path: Path) -> None:
        self.answers: dict[str, Message | Callable[[Message], Message]] = {}
        self.requests: list[Message] = []
        self.namespaces: list[tuple[int, int]] = []  # that came with requests
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen()
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, name="agent-stand-in", daemon=True)
        self._thread.start()

    def verbs(self) -> list[str]:
        return [request["verb"] for request in self.requests]

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # ends accept()
        self._thread.join()
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            while self._answer(connection):
                pass

    def _answer(self, connection: socket.socket) -> bool:
        """Whether the plugin may have more to say on this connection."""
        data, descriptors, _, _ = socket.recv_fds(connection, 65536, 1)
        self.namespaces += [_identity(descriptor) for descriptor in descriptors]
        if not data:
            return False
        request = json.loads(data)
        self.requests.append(request)
        answer = self.answers.get(request["verb"], {})
        if callable(answer):
            answer = answer(request)
        if answer is SILENCE:
            return False
        text = "hello" if answer is GARBAGE else json.dumps({"version": VERSION, **answer})
        connection.send(text.encode())
        return True
