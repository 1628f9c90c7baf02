"""A primary CNI that writes its configuration again and again, as some do whenever they look."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class Rewriter:
    """Replaces the file atomically by the same text, without a pause, until the context ends; the
    last write is its own."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="rewriter")
        self.writes = 0

    def _work(self) -> None:
        while not self._ending.is_set():
            self.write()
            self._ending.wait(0.05)

    def write(self) -> None:
        fresh = self._path.with_name(".rewriter")
        fresh.write_text(self._text)
        os.replace(fresh, self._path)
        self.writes += 1

    def __enter__(self) -> Rewriter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
