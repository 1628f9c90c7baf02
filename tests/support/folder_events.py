"""inotify on one folder: something was made, moved or written there."""

from __future__ import annotations

import ctypes
import os
import select
from pathlib import Path

IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE = 0x8, 0x80, 0x100

_libc = ctypes.CDLL(None, use_errno=True)


class FolderEvents:
    """Watches from the moment it is made."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE
        if (
            self._descriptor < 0
            or _libc.inotify_add_watch(self._descriptor, bytes(folder), mask) < 0
        ):
            raise OSError(ctypes.get_errno(), f"inotify on {folder}")

    def wait(self, timeout: float) -> bool:
        """Reads the next events; False when none came in time."""
        ready, _, _ = select.select([self._descriptor], [], [], max(timeout, 0))
        if ready:
            os.read(self._descriptor, 65536)
        return bool(ready)

    def __enter__(self) -> FolderEvents:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
