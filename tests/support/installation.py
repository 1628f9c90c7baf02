"""A node's CNI folders, and our programs at work on them."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUILD = Path(
    os.environ.get("AMBIENT_BUILD", Path(__file__).resolve().parents[2] / "build" / "release")
)
AGENT = BUILD / "node-agent" / "ambient-node-agent"
PLUGIN = BUILD / "cni-plugin" / "ambient-cni"
DEADLINE = 20.0

# As flannel writes it.
FLANNEL = """{
  "name": "cbr0",
  "cniVersion": "0.3.1",
  "plugins": [
    {
      "type": "flannel",
      "delegate": {
        "hairpinMode": true,
        "isDefaultGateway": true
      }
    },
    {
      "type": "portmap",
      "capabilities": {
        "portMappings": true
      }
    }
  ]
}
"""
SINGLE = '{ "cniVersion": "0.4.0", "name": "pods",\n\t"type": "bridge", "mtu": 1450.0 }'


def types_of(text: str) -> list[str]:
    return [plugin["type"] for plugin in json.loads(text)["plugins"]]


@dataclass
class Installation:
    folder: Path
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.conf, self.bin = self.folder / "net.d", self.folder / "bin"
        for folder in (self.conf, self.bin, self.folder / "objects"):
            folder.mkdir(parents=True)
        self.config = {
            "socket": str(self.folder / "agent.sock"),
            "state_dir": str(self.folder / "state"),
            "source": {"files": str(self.folder / "objects")},
            "install": {
                "enabled": True,
                "plugin": str(PLUGIN),
                "cni_bin_dir": str(self.bin),
                "cni_conf_dir": str(self.conf),
            },
            **self.config,
        }
        # JSON is YAML.
        (self.folder / "agent.yaml").write_text(json.dumps(self.config))

    @property
    def plugin(self) -> Path:
        return self.bin / "ambient-cni"

    def command(self, *words: str) -> list[str]:
        return [str(AGENT), *words, "--config", str(self.folder / "agent.yaml")]

    def run(self, *words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, *self.command(*words)], text=True, capture_output=True, timeout=60
        )

    def install(self, *before: str) -> None:
        done = self.run("install", before=before)
        assert done.returncode == 0, done.stderr

    def uninstall(self) -> None:
        # In a network namespace of its own: it looks for what is ours in the kernel, too.
        done = self.run("uninstall", before=("unshare", "--net"))
        assert done.returncode == 0, done.stderr

    def write(self, name: str, text: str) -> Path:
        """As a program that takes care writes: a whole file, in one step."""
        new = self.folder / "new"
        new.write_text(text)
        return new.rename(self.conf / name)

    def files(self) -> dict[str, tuple[bytes, int, int, int]]:
        """Everything in both folders that is to be as before after leaving."""
        return {
            str(path.relative_to(self.folder)): (
                os.readlink(path).encode() if path.is_symlink() else path.read_bytes(),
                *(getattr(path.lstat(), name) for name in ("st_mode", "st_uid", "st_gid")),
            )
            for path in sorted([*self.conf.iterdir(), *self.bin.iterdir()])
        }

    def taken_by_runtime(self) -> tuple[str, list[str]]:
        """The network that containerd's go-cni and CRI-O's ocicni would take, and its chain: the
        first by name of three kinds of file; only .conflist holds a list."""
        names = sorted(
            path.name
            for path in self.conf.iterdir()
            if path.suffix in (".conf", ".conflist", ".json") and not path.is_dir()
        )
        text = (self.conf / names[0]).read_text()
        if names[0].endswith(".conflist"):
            return names[0], types_of(text)
        return names[0], [json.loads(text)["type"]]

    def is_right(self) -> bool:
        try:
            chain = self.taken_by_runtime()[1]
        except (OSError, ValueError, KeyError, IndexError):
            return False
        return chain[-1] == "ambient-cni" and self.plugin.exists()

    @contextmanager
    def agent(self, *before: str) -> Iterator["Agent"]:
        process = subprocess.Popen(
            [*(before or ("unshare", "--net")), *self.command()], stderr=subprocess.PIPE, bufsize=0
        )
        agent = Agent(process)
        try:
            yield agent
        finally:
            process.kill()
            process.wait()
            if process.stderr:
                process.stderr.close()


@dataclass
class Agent:
    """The serving agent, and all that it has said."""

    process: subprocess.Popen[bytes]
    said: str = ""

    def wait_for_line(self, *words: str) -> None:
        end = time.monotonic() + DEADLINE
        while not any(all(word in line for word in words) for line in self.lines()):
            assert self.process.stderr and time.monotonic() < end, (words, self.said)
            pipe = self.process.stderr.fileno()
            if select.select([pipe], [], [], 0.1)[0]:
                more = os.read(pipe, 65536).decode()
                assert more, f"the agent ended: {self.said}"
                self.said += more

    def lines(self) -> list[str]:
        return self.said.splitlines()

    def stop(self) -> list[str]:
        self.process.terminate()
        assert self.process.stderr
        self.said += self.process.stderr.read().decode()
        assert self.process.wait(timeout=DEADLINE) == 0, self.said
        return self.lines()


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[bytes], what: str) -> None:
    """Looks again and again while the process runs."""
    end = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < end, f"not in time: {what}"
        try:
            process.wait(timeout=0.01)
            raise AssertionError("the agent ended")
        except subprocess.TimeoutExpired:
            pass
