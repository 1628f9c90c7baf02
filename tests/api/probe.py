"""Runs source_probe: our source against an API server, each change of its table as a line of JSON.
What the table holds is worked out from these lines."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NODE = "node-a"
TIMEOUT = 20.0
MODE = "istio.io/dataplane-mode"


def program(build: str) -> Path:
    """`build` is the environment's variable that names the build folder."""
    return Path(os.environ[build]) / "tests" / "api" / "source_probe"


class Probe:
    """Runs while the context lasts; with sanitizers, unless it is measured. They see what a failure
    left behind, and end the program then."""

    def __init__(
        self, *arguments: str, build: str = "AMBIENT_SANITIZED_BUILD", **environment: str
    ) -> None:
        self._args = [str(program(build)), "--node", NODE, *arguments]
        self._environment = os.environ | environment
        self._changed = threading.Condition()
        self._lines: list[dict[str, Any]] = []  # of standard output
        self._log: list[str] = []
        self._pods: dict[str, dict[str, Any]] = {}
        self._spaces: dict[str, dict[str, Any]] = {}
        self._complete = False
        self._ended = False

    def __enter__(self) -> Probe:
        self._process = subprocess.Popen(
            self._args,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=self._follow, args=arguments, daemon=True)
            for arguments in (
                (self._process.stdout, self._take),
                (self._process.stderr, self._log.append),
            )
        ]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            status = self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        for reader in self._readers:
            reader.join()
        assert status == 0, "\n".join(self._log[-20:])

    def _follow(self, stream, take: Callable[[str], None]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    take(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, text: str) -> None:
        line = json.loads(text)
        self._lines.append(line)
        match line:
            case {"pod": pod}:
                self._pods[f"{pod['namespace']}/{pod['name']}"] = pod
            case {"pod_gone": name}:
                del self._pods[name]
            case {"namespace": space}:
                self._spaces[space["name"]] = space
            case {"namespace_gone": name}:
                del self._spaces[name]
            case {"complete": True}:
                self._complete = True

    # What it says --------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], bool], what: str, timeout: float = TIMEOUT) -> None:
        """Looks again at every line of the probe; the condition is called with the lock held."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError(
                        f"not within {timeout} s: {what}; {self._lines[-20:]}\n"
                        + "".join(self._log[-20:])
                    )
                self._changed.wait(left)

    def _enrolled(self) -> set[str]:
        return {
            name
            for name, pod in self._pods.items()
            if self._complete
            and pod["phase"] == "Running"
            and self._spaces.get(pod["namespace"], {}).get("labels", {}).get(MODE) == "ambient"
        }

    def enrolled(self) -> set[str]:
        """The running pods in ambient namespaces, as far as the table knows."""
        with self._changed:
            return self._enrolled()

    def wait_enrolled(self, *names: str, space: str = "mesh", timeout: float = TIMEOUT) -> None:
        """Until exactly these are; a name without namespace is one of `space`."""
        wanted = {name if "/" in name else f"{space}/{name}" for name in names}
        self.wait(lambda: self._enrolled() == wanted, f"enrolled: {wanted}", timeout)

    def complete(self) -> bool:
        with self._changed:
            return self._complete

    def wait_complete(self, timeout: float = TIMEOUT) -> None:
        self.wait(lambda: self._complete, "all told once", timeout)

    def pod(self, name: str) -> dict[str, Any]:
        with self._changed:
            return self._pods[name]

    def assert_never_shown(self, name: str) -> None:
        with self._changed:
            shown = {line["pod"]["name"] for line in self._lines if "pod" in line}
        assert name not in shown

    def assert_never_dropped(self, *names: str, space: str = "mesh") -> None:
        with self._changed:
            dropped = {line.get("pod_gone") for line in self._lines}
        assert not dropped & {f"{space}/{name}" for name in names}

    def wait_trouble(self, *parts: str) -> None:
        """Until it has warned, in these words among others."""
        wanted = ("warning", *parts)

        def found() -> bool:
            return any(all(part in line.lower() for part in wanted) for line in self._log)

        self.wait(found, f"a warning with {parts}")

    def said(self) -> str:
        """Everything."""
        with self._changed:
            return "".join(self._log) + json.dumps(self._lines)

    # What it is told -----------------------------------------------------------------------------

    def _tell(self, command: str) -> int:
        """How many lines there were before."""
        assert self._process.stdin
        with self._changed:
            before = len(self._lines)
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return before

    def fetch(self, name: str) -> str:
        """Asks for a pod; the outcome."""
        return self.wait_fetched(self.begin_fetch(name), 1)[0]

    def begin_fetch(self, name: str) -> int:
        """For wait_fetched."""
        return self._tell(f"fetch {name}")

    def wait_fetched(self, begun: int, count: int) -> list[str]:
        """The first outcomes since then."""

        def outcomes() -> list[str]:
            return [line["outcome"] for line in self._lines[begun:] if "fetched" in line]

        self.wait(lambda: len(outcomes()) >= count, f"{count} answers")
        with self._changed:
            return outcomes()

    def stats(self) -> dict[str, Any]:
        before = self._tell("stats")
        self.wait(lambda: any("stats" in line for line in self._lines[before:]), "statistics")
        with self._changed:
            return next(line["stats"] for line in self._lines[before:] if "stats" in line)
