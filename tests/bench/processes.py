"""The programs as whole processes: the agent's start and memory, the plugin's time and instructions."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scene import HOST_IP, JOINING, NAMESPACE, SIDECARS, Scene, joining_address, sidecar_address

LOOPBACK = Path("/usr/lib/cni/loopback")
DEADLINE = 300.0


class Agent:
    """The running agent; `started` is the time in seconds from its start until its datapath was ready."""

    def __init__(self, command: list[str]) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        begin = time.monotonic()
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._follow, daemon=True).start()
        self._wait_for('"datapath ready"', begin + DEADLINE)
        self.started = time.monotonic() - begin

    def _follow(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def _wait_for(self, text: str, deadline: float) -> None:
        seen = []
        while True:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            if line is None:
                raise RuntimeError("the agent ended:\n" + "".join(seen))
            seen.append(line)
            if text in line:
                return

    def memory(self) -> dict[str, int]:
        """KiB: VmRSS, VmHWM (the highest it ever was), RssAnon, RssFile."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        return {name: int(kib) for name, kib in re.findall(r"^(VmRSS|VmHWM|RssAnon|RssFile):\s+(\d+) kB", text, re.M)}

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(DEADLINE)


@contextmanager
def running_agent(scene: Scene, binary: Path) -> Iterator[Agent]:
    # nsenter becomes the agent: its process id is the agent's.
    agent = Agent(scene.inside(str(binary), "--config", str(scene.config)))
    try:
        yield agent
    finally:
        agent.stop()


@dataclass(frozen=True)
class Joining:
    """A pod that is about to join."""

    name: str
    netns: str
    address: str


class Plugin:
    """The plugin as a runtime calls it."""

    def __init__(self, scene: Scene, binary: Path) -> None:
        self._scene = scene
        self.command = [str(binary)]
        shared = scene.netns("pods")
        self.ambient = [Joining(f"joining-{n}", shared, joining_address(n)) for n in range(JOINING)]
        self.sidecars = [
            Joining(f"sidecar-{n}", scene.netns(f"sidecar-{n}"), sidecar_address(n)) for n in range(SIDECARS)
        ]
        self._configs = {pod: self._write_config(pod) for pod in (*self.ambient, *self.sidecars)}

    def _write_config(self, pod: Joining) -> Path:
        config = {
            "cniVersion": "1.0.0",
            "name": "bench",
            "type": "ambient-cni",
            "agent_socket": str(self._scene.socket),
            "prevResult": {
                "cniVersion": "1.0.0",
                "interfaces": [{"name": "eth0", "sandbox": f"/run/netns/{pod.netns}"}],
                "ips": [{"interface": 0, "address": f"{pod.address}/32", "gateway": HOST_IP}],
            },
        }
        path = self._scene.folder / f"netconf-{pod.name}.json"
        path.write_text(json.dumps(config))
        return path

    def check_that_it_captures(self) -> None:
        """An ADD that does nothing would be fast."""
        ambient, sidecar = self.ambient[0], self.sidecars[0]
        for pod in (ambient, sidecar):
            run_timed(self.command, *self.call("ADD", pod))
        show = ["ip", "-netns", self._scene.netns("node"), "route", "show", "table", "100", ambient.address]
        if not subprocess.run(show, capture_output=True, check=True).stdout:
            raise RuntimeError("ADD succeeded, but the pod is not captured")
        run_timed(self.command, *self.call("DEL", ambient))
        self.end(sidecar)  # fails when there are no rules

    def end(self, sidecar: Joining) -> None:
        """DEL, and the namespace as before: in a cluster it ends with the pod."""
        run_timed(self.command, *self.call("DEL", sidecar))
        inside = ["nsenter", f"--net=/run/netns/{sidecar.netns}"]
        subprocess.run([*inside, "nft", "delete table inet ambient-sidecar"], check=True)
        subprocess.run([*inside, "ip", "address", "delete", "::6/128", "dev", "lo"], check=True)

    def call(self, verb: str, pod: Joining) -> tuple[dict[str, str], Path]:
        """Environment and standard input of a call."""
        args = f"IgnoreUnknown=1;K8S_POD_NAMESPACE={NAMESPACE};K8S_POD_NAME={pod.name}"
        environment = {
            "CNI_COMMAND": verb,
            "CNI_CONTAINERID": f"bench-{pod.name}",
            "CNI_NETNS": f"/run/netns/{pod.netns}",
            "CNI_IFNAME": "eth0",
            "CNI_PATH": "/usr/lib/cni",
            "CNI_ARGS": args,
        }
        return environment, self._configs[pod]


@dataclass(frozen=True)
class Run:
    """Of one process, in milliseconds: from before it is made until it has ended; its processor time, the kernel's
    work for it included."""

    time: float
    cpu: float


def run_timed(command: list[str], environment: dict[str, str], stdin: Path) -> Run:
    """Runs where the caller is."""
    with open(stdin, "rb") as source, open(os.devnull, "wb") as sink:
        actions = [(os.POSIX_SPAWN_DUP2, source.fileno(), 0), (os.POSIX_SPAWN_DUP2, sink.fileno(), 1)]
        begin = time.perf_counter_ns()
        pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        end = time.perf_counter_ns()
    if status != 0:
        raise RuntimeError(f"{command} {environment.get('CNI_COMMAND')}: status {status}")
    return Run((end - begin) / 1e6, (usage.ru_utime + usage.ru_stime) * 1e3)


def alternate(plugin: Plugin, runs: int) -> dict[str, list[Run]]:
    """Plugin ADD, the Go plugin's VERSION, plugin DEL, and ADD of a pod with a sidecar, in turns."""
    version = {"CNI_COMMAND": "VERSION"}
    times: dict[str, list[Run]] = {"add": [], "loopback": [], "del": [], "sidecar": []}
    for turn in range(runs):
        pod, sidecar = plugin.ambient[turn % JOINING], plugin.sidecars[turn % SIDECARS]
        times["add"].append(run_timed(plugin.command, *plugin.call("ADD", pod)))
        times["loopback"].append(run_timed([str(LOOPBACK)], version, plugin.call("ADD", pod)[1]))
        times["del"].append(run_timed(plugin.command, *plugin.call("DEL", pod)))
        times["sidecar"].append(run_timed(plugin.command, *plugin.call("ADD", sidecar)))
        plugin.end(sidecar)
    return times


def instructions(command: list[str], out: Path, options: list[str], environment: dict[str, str] | None = None,
                 stdin: Path = Path(os.devnull)) -> int:  # fmt: skip
    """What valgrind's callgrind counts."""
    valgrind = ["/usr/bin/valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *options, *command]
    with open(stdin, "rb") as source:
        done = subprocess.run(valgrind, stdin=source, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)
    assert found, f"no sum in {out}"
    return int(found[1])
