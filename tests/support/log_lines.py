"""The lines that a process writes, while it writes them."""

from __future__ import annotations

import threading
import time
from typing import IO


class LogLines:
    """Of one process, or of several one after the other."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()

    def follow(self, stream: IO[str]) -> threading.Thread:
        """Takes in the stream, and closes it at its end: then the thread ends."""
        thread = threading.Thread(target=self._take, args=(stream,), daemon=True)
        thread.start()
        return thread

    def _take(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    self._lines.append(line.rstrip())
                    self._changed.notify_all()

    def all(self) -> list[str]:
        with self._changed:
            return list(self._lines)

    def wait(self, *parts: str, after: int = 0, timeout: float = 60) -> str:
        """The first line, after that many lines, with all the parts."""

        def find() -> str | None:
            return next(
                (line for line in self._lines[after:] if all(part in line for part in parts)), None
            )

        deadline = time.monotonic() + timeout
        with self._changed:
            while (line := find()) is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(
                        f"no log line with {parts}:\n" + "\n".join(self._lines[after:])
                    )
                self._changed.wait(left)
            return line
