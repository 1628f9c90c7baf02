"""Network namespaces: make, remove, and run code, sockets and programs inside them.

setns(2) moves one thread, so work inside a namespace runs on a short-lived thread that enters it
and ends. What it opens (sockets) or starts (programs) stays in the namespace; the test process
itself never moves.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
RUN_DIR = Path("/run/netns")

_libc = ctypes.CDLL(None, use_errno=True)


def run_command(args: Sequence[str], stdin: str | None = None) -> str:
    """Runs a program in the caller's namespace; its standard output, or an error that shows what it
    said."""
    done = subprocess.run(args, input=stdin, text=True, capture_output=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{stdin or ''}"
        )
    return done.stdout


class Netns:
    """A named network namespace, as `ip netns` keeps them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = RUN_DIR / name

    def __repr__(self) -> str:
        return f"Netns({self.name})"

    def run(self, work: Callable[[], T]) -> T:
        """Calls `work` on a thread inside the namespace; gives its result, or raises its error."""
        outcome: dict[str, Any] = {}

        def body() -> None:
            try:
                descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), f"setns into {self.name}")
                finally:
                    os.close(descriptor)
                outcome["value"] = work()
            except BaseException as error:  # handed over to the caller's thread
                outcome["error"] = error

        thread = threading.Thread(target=body, name=f"in-{self.name}")
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]

    def command(self, *args: str, stdin: str | None = None) -> str:
        return self.run(lambda: run_command(args, stdin))

    def ip(self, *lines: str) -> None:
        """Runs `ip` commands, in order, in one process."""
        self.command("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def nft(self, script: str) -> None:
        """Loads an nft script as one transaction."""
        self.command("nft", "-f", "-", stdin=script)

    def start(self, args: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Starts a long-lived program inside the namespace."""
        return self.run(lambda: subprocess.Popen(args, **options))

    def sysctl(self, key: str, value: object | None = None) -> str:
        """Reads, or with a value writes, net/KEY of this namespace (/proc/sys/net shows the
        reader's own)."""
        path = Path("/proc/sys/net") / key

        def access() -> str:
            if value is not None:
                path.write_text(f"{value}\n")
            return path.read_text().strip()

        return self.run(access)


def create(names: Sequence[str]) -> list[Netns]:
    """Makes the namespaces in one `ip` run, loopback up, IPv6 address detection off (it would delay
    every link)."""
    run_command(["ip", "-batch", "-"], "".join(f"netns add {name}\n" for name in names))
    made = [Netns(name) for name in names]
    for netns in made:
        netns.ip("link set lo up")
        netns.sysctl("ipv6/conf/default/disable_ipv6", 1)
        netns.sysctl("ipv6/conf/all/disable_ipv6", 1)
    return made


def delete(names: Sequence[str]) -> None:
    present = [name for name in names if (RUN_DIR / name).exists()]
    if present:
        run_command(["ip", "-batch", "-"], "".join(f"netns del {name}\n" for name in present))
