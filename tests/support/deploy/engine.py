"""A containerd of the test's own, which runs the DaemonSet's container as a kubelet would have it
run: every field of the manifest becomes a flag of `ctr run`."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.folder_events import FolderEvents
from support.netns import run_command

from support.deploy import render

START_TIMEOUT = 30.0
# The test's folder may lie on an overlay, which takes no other overlay.
SNAPSHOTTER = ("--snapshotter", "native")
CONFIG = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/containerd.sock"
"""


class Engine:
    """Runs while the context lasts; everything it keeps is in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._socket = folder / "containerd.sock"
        (folder / "config.toml").write_text(CONFIG.format(folder=folder))

    def __enter__(self) -> Engine:
        log = self._folder / "log"
        command = ["containerd", "--config", str(self._folder / "config.toml")]
        with FolderEvents(self._folder) as events, open(log, "wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
            deadline = time.monotonic() + START_TIMEOUT
            while not self._socket.exists():
                assert events.wait(deadline - time.monotonic()), log.read_text()
        return self

    def __exit__(self, *_: object) -> None:
        # What a failed test has left running would outlive containerd.
        for name in run_command(self.ctr("tasks", "list", "--quiet")).split():
            run_command(self.ctr("tasks", "delete", "--force", name))
        self._process.terminate()
        self._process.wait(START_TIMEOUT)

    def ctr(self, *arguments: str) -> list[str]:
        return ["ctr", "--address", str(self._socket), *arguments]

    def run_command(self, *arguments: str) -> list[str]:
        """`ctr run` with these arguments. What runc knows of containers lies with the rest."""
        return self.ctr("run", *SNAPSHOTTER, "--runc-root", str(self._folder / "runc"), *arguments)

    def load(self, archive: Path) -> list[str]:
        """The names of the images that were in it."""
        run_command(self.ctr("images", "import", *SNAPSHOTTER, str(archive)))
        return run_command(self.ctr("images", "list", "--quiet")).split()

    def pid(self, name: str) -> int | None:
        """Of the container's process, if it runs."""
        rows = [line.split() for line in run_command(self.ctr("tasks", "list")).splitlines()]
        return next((int(row[1]) for row in rows if (row[0], row[2]) == (name, "RUNNING")), None)

    def wait_started(self, name: str, process: subprocess.Popen[str]) -> None:
        """Until the container's process runs, or `ctr run` has ended."""
        deadline = time.monotonic() + START_TIMEOUT
        while process.poll() is None and self.pid(name) is None:
            assert time.monotonic() < deadline, f"container {name} does not start"

    def default_capabilities(self) -> list[str]:
        """What a container has without a word about it."""
        spec = json.loads(run_command(self.ctr("oci", "spec")))
        return spec["process"]["capabilities"]["bounding"]


@dataclass(frozen=True)
class Host:
    """What the node gives: folders by the volume's name, the network namespace by its path."""

    volumes: dict[str, Path]
    netns: Path


def _mount(mount: dict[str, Any], source: Path) -> str:
    propagation = {"None": "rprivate", "HostToContainer": "rslave"}[
        mount.get("mountPropagation", "None")
    ]
    access = "ro" if mount.get("readOnly") else "rw"
    options = f"rbind:{propagation}:{access}"
    return f"type=bind,src={source},dst={mount['mountPath']},options={options}"


def flags(engine: Engine, found: render.Objects, host: Host) -> list[str]:
    """The pod's fields that matter to the runtime. What is not known here is an error, so that no
    field of the manifest is passed over."""
    pod, container = render.pod(found), render.container(found)
    context = container["securityContext"]
    capabilities = context["capabilities"]
    assert pod["hostNetwork"] and capabilities["drop"] == ["ALL"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (context["runAsUser"], context["runAsGroup"]) == (0, 0)
    assert context["readOnlyRootFilesystem"] and not context["privileged"]
    # no_new_privs is what ctr sets of itself
    assert not context["allowPrivilegeEscalation"]
    made = ["--read-only", "--seccomp", "--with-ns", f"network:{host.netns}"]
    added = [f"CAP_{name}" for name in capabilities["add"]]
    # ctr takes away after it has given: what is wanted must not be dropped.
    for name in set(engine.default_capabilities()) - set(added):
        made += ["--cap-drop", name]
    for name in added:
        made += ["--cap-add", name]
    for mount in container["volumeMounts"]:
        made += ["--mount", _mount(mount, host.volumes[mount["name"]])]
    return made
