"""Runs ambient-node-agent on a node: its own configuration, socket and state folder, in the node's
namespace."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from support.log_lines import LogLines
from support.netns import Netns

STOP_TIMEOUT = 60.0


def program(name: str) -> Path:
    """A built program; AMBIENT_BUILD is the build folder."""
    folder = {"ambient-node-agent": "node-agent", "ambient-cni": "cni-plugin"}[name]
    return Path(os.environ["AMBIENT_BUILD"]) / folder / name


class Agent:
    """The agent of one node. Its log is kept over restarts. `config` says where pods come from, and
    whatever else is not as on every node."""

    def __init__(self, node_name: str, netns: Netns, folder: Path, config: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._netns = netns
        self._folder = folder
        self.socket = folder / "agent.sock"
        self.state_dir = folder / "state"
        self.config = folder / "agent.yaml"
        self.config.write_text(
            yaml.safe_dump(
                {
                    "node_name": node_name,
                    "socket": str(self.socket),
                    "state_dir": str(self.state_dir),
                    "log": {"level": "debug", "format": "text"},
                    **config,
                }
            )
        )
        self._process: subprocess.Popen[str] | None = None
        self._lines = LogLines()
        self.started_at = 0  # how many lines were there

    @property
    def _args(self) -> list[str]:
        return [str(program("ambient-node-agent")), "--config", str(self.config)]

    def start(self) -> None:
        assert self._process is None, "already running"
        self.started_at = len(self.log())
        self._process = self._netns.start(
            self._args,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines.follow(self._process.stdout)

    def log(self) -> list[str]:
        return self._lines.all()

    def wait_serving(self) -> None:
        """Waits until the plugin can ask it something."""
        self.wait_log("serving", after=self.started_at)

    def wait_ready(self) -> None:
        """Waits until it says that traffic is captured."""
        self.wait_log("datapath ready", after=self.started_at)

    def wait_log(self, *parts: str, after: int = 0, timeout: float = 60) -> str:
        """The first line, after that many lines, with all the parts."""
        return self._lines.wait(*parts, after=after, timeout=timeout)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None, "not running"
        self._process.send_signal(number)
        status = self._process.wait(STOP_TIMEOUT)
        self._process = None
        return status

    def stop(self) -> None:
        """SIGTERM, as the kubelet stops it."""
        status = self._end(signal.SIGTERM)
        assert status == 0, f"ended with {status}:\n" + "\n".join(self.log()[-30:])

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        assert self._process is not None, "not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        args = [str(program("ambient-node-agent")), *arguments, "--config", str(self.config)]
        return self._netns.run(
            lambda: subprocess.run(args, capture_output=True, text=True, timeout=60)
        )

    def once(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run("--once", *arguments)

    def dry_run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run("--dry-run", *arguments)

    def uninstall(self) -> None:
        done = self._run("uninstall")
        assert done.returncode == 0, done.stdout + done.stderr

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Stopped by SIGSTOP, so that it repairs nothing while the context lasts."""
        assert self._process is not None, "not running"
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)
