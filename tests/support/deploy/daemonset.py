"""A pod of the DaemonSet, as the kubelet makes it on one node."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from support.deploy import render
from support.deploy.engine import Engine, Host, flags
from support.deploy.image_archive import AGENT
from support.fake_apiserver import TOKEN, FakeApiServer
from support.log_lines import LogLines
from support.netns import Netns, run_command

NAME = "agent"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
STOP_TIMEOUT = 60.0  # terminationGracePeriodSeconds


@dataclass(frozen=True)
class Node:
    """What the kubelet knows. `folders`: where the node keeps a path of its own, if elsewhere."""

    name: str
    netns: Netns
    api: FakeApiServer
    folders: dict[str, Path]


def _volumes(found: render.Objects, node: Node, folder: Path) -> dict[str, Path]:
    volumes: dict[str, Path] = {}
    for volume in render.pod(found)["volumes"]:
        if "configMap" in volume:
            place = folder / volume["name"]
            place.mkdir()
            for name, text in render.one(found, "ConfigMap")["data"].items():
                (place / name).write_text(text)
        else:
            path = volume["hostPath"]["path"]
            place = node.folders.get(path, Path(path))
            if volume["hostPath"]["type"] == "DirectoryOrCreate":
                place.mkdir(parents=True, exist_ok=True)
        volumes[volume["name"]] = place
    return volumes


def _service_account(folder: Path, api: FakeApiServer) -> Path:
    """What the kubelet projects into every container."""
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    (folder / "ca.crt").write_bytes(api.authority.file.read_bytes())
    (folder / "namespace").write_text("istio-system")
    return folder


class DaemonPod:
    """`folder` is empty. The log is that since the last start."""

    def __init__(
        self, engine: Engine, image: str, found: render.Objects, node: Node, folder: Path
    ) -> None:
        self._engine = engine
        self.host = Host(_volumes(found, node, folder), node.netns.path)
        account = _service_account(folder / "account", node.api)
        environment = {
            "NODE_NAME": node.name,
            "KUBERNETES_SERVICE_HOST": urlsplit(node.api.url).hostname,
            "KUBERNETES_SERVICE_PORT": str(node.api.port),
        }
        self._command = engine.run_command(
            *("--rm", *flags(engine, found, self.host)),
            *("--mount", f"type=bind,src={account},dst={ACCOUNT},options=rbind:ro"),
            *(word for pair in environment.items() for word in ("--env", "=".join(pair))),
            *(image, NAME, f"/{AGENT}", *render.container(found)["args"]),
        )
        self._lines = LogLines()

    def start(self) -> None:
        self._lines = LogLines()
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = self._lines.follow(self._process.stdout)

    def log(self) -> str:
        return "\n".join(self._lines.all())

    def wait_log(self, part: str, timeout: float = 60) -> None:
        self._lines.wait(part, timeout=timeout)

    @property
    def pid(self) -> int:
        found = self._engine.pid(NAME)
        assert found, self.log()
        return found

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """As the kubelet ends a pod."""
        # Not by a signal to `ctr run`: that passes it on only once it has come to do so.
        run_command(self._engine.ctr("tasks", "kill", "--signal", "SIGTERM", NAME))
        status = self._process.wait(STOP_TIMEOUT)
        self._reader.join()
        assert status == 0, f"ended with {status}:\n{self.log()}"
