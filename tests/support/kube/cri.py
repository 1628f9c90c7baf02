"""containerd with its CRI plugin, driven as the kubelet drives it: sandboxes of pods, attached by
CNI from the node's configuration folder.

Field numbers: k8s.io/cri-api/pkg/apis/runtime/v1/api.proto.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from support.containerd import IMAGE, SNAPSHOTS, START_TIMEOUT, image_archive
from support.folder_events import FolderEvents
from support.netns import Netns, run_command

from support.kube.grpc_unary import Fields, GrpcError, call, decode
from support.kube.libcni import AddRefused

SERVICE = "/runtime.v1.RuntimeService/"
CALL_TIMEOUT = 120.0  # a sandbox takes seconds on an emulated CPU
PAUSE = ["/bin/busybox", "sleep", "1000000"]  # the sandbox's process lives until it is killed

CONFIG = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{image}"
stream_server_address = "127.0.0.1"
disable_cgroup = true
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "{conf_dir}"
bin_dir = "{bin_dir}"
"""


@dataclass(frozen=True)
class CriSandbox:
    runtime: CriRuntime
    id: str
    address: str

    def remove(self) -> None:
        self.runtime.remove_sandbox(self.id)


class CriRuntime:
    """The node's container runtime; runs while the context lasts."""

    def __init__(self, folder: Path, node: Netns, conf_dir: Path, bin_dir: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._node = folder, node
        self.socket = folder / "containerd.sock"
        self._config = folder / "config.toml"
        self._config.write_text(
            CONFIG.format(folder=folder, image=IMAGE, conf_dir=conf_dir, bin_dir=bin_dir)
        )

    def __enter__(self) -> CriRuntime:
        log = self._folder / "log"
        with FolderEvents(self._folder) as events, open(log, "wb") as out:
            self._process = self._node.start(
                ["containerd", "--config", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
            deadline = time.monotonic() + START_TIMEOUT
            while not self.socket.exists():
                assert events.wait(deadline - time.monotonic()), log.read_text()
        archive = self._folder / "image.tar"
        archive.write_bytes(image_archive(PAUSE))
        self.import_image(archive)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(START_TIMEOUT)

    def import_image(self, archive: Path) -> None:
        run_command(
            ["ctr", "--address", str(self.socket), "--namespace", "k8s.io", "images", "import",
             *SNAPSHOTS, str(archive)]
        )  # fmt: skip

    def log(self) -> str:
        return (self._folder / "log").read_text()

    def _call(self, method: str, message: dict) -> Fields:
        return call(self.socket, SERVICE + method, message, CALL_TIMEOUT)

    def run_sandbox(self, space: str, name: str, uid: str) -> CriSandbox:
        """RunPodSandbox, and where CNI put it."""
        options = {1: 0, 2: 1, 3: 0}  # network of the pod's own, pid of the container, ipc
        config = {
            1: {1: name, 2: uid, 3: space},
            2: name,
            3: str(self._folder / "pods"),
            8: {2: {1: options}},
        }
        try:
            made = self._call("RunPodSandbox", {1: config})[1][0].decode()
        except GrpcError as error:
            raise AddRefused(str(error)) from error
        status = decode(self._call("PodSandboxStatus", {1: made})[1][0])
        return CriSandbox(self, made, decode(status[5][0])[1][0].decode())

    def remove_sandbox(self, sandbox_id: str) -> None:
        self._call("StopPodSandbox", {1: sandbox_id})
        self._call("RemovePodSandbox", {1: sandbox_id})

    def network_ready(self) -> bool:
        """What the kubelet calls NetworkReady: the runtime has loaded a CNI configuration."""
        status = decode(self._call("Status", {})[1][0])
        conditions = [decode(each) for each in status[1]]
        return any(each[1] == [b"NetworkReady"] and each.get(2) == [1] for each in conditions)
