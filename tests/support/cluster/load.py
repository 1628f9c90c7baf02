"""Connections that are busy while a test changes something under them."""

from __future__ import annotations

import threading

from support.cluster.traffic import Address, Connection
from support.netns import Netns

ROUND = 100_000  # bytes each way: short rounds, so that data moves at any moment of a change


class Load:
    """Context manager: moves data on named connections, without a pause, until it ends; then checks
    that all live."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._rounds: dict[str, int] = {}
        self._failures: dict[str, BaseException] = {}
        self._threads: list[threading.Thread] = []
        self._progress = threading.Condition()
        self._ending = False

    def add(
        self, name: str, client: Netns, destination: Address, source: str | None = None
    ) -> None:
        """Opens a connection (its handshake is done on return) and keeps it busy from now on."""
        connection = Connection(client, destination, source)
        connection.round(ROUND, ROUND)
        self._connections[name] = connection
        self._rounds[name] = 0
        thread = threading.Thread(target=self._work, args=(name, connection), name=f"load-{name}")
        self._threads.append(thread)
        thread.start()

    def _work(self, name: str, connection: Connection) -> None:
        try:
            while not self._ending:
                connection.round(ROUND, ROUND)
                with self._progress:
                    self._rounds[name] += 1
                    self._progress.notify_all()
        except BaseException as error:  # told by check()
            with self._progress:
                self._failures[name] = error
                self._progress.notify_all()

    def check(self, timeout: float = 60) -> None:
        """From now on, one full round passes on every connection."""
        with self._progress:
            # A round that was under way may have been answered already: the second one was begun
            # after this call.
            wanted = {name: rounds + 2 for name, rounds in self._rounds.items()}

            def settled() -> bool:
                return bool(self._failures) or all(
                    self._rounds[name] >= count for name, count in wanted.items()
                )

            in_time = self._progress.wait_for(settled, timeout)
            assert not self._failures, f"connections lost: {self._failures}"
            assert in_time, f"stuck: {self._rounds}, wanted {wanted}"

    def __enter__(self) -> Load:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.check()
        finally:
            self._ending = True
            for connection in self._connections.values():
                if kind is not None:
                    connection.abort()
            for thread in self._threads:
                thread.join()
            for connection in self._connections.values():
                connection.close()
