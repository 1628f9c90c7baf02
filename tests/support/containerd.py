"""A containerd of the test's own, and containers attached by `ctr run --cni`: libcni as the
kubelet's runtime calls it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import platform
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

from support.folder_events import FolderEvents
from support.netns import Netns, run_command

BUSYBOX = Path("/bin/busybox")  # statically linked: it is the whole image
IMAGE = "example.org/busybox:test"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Go spells them
SNAPSHOTS = (
    "--snapshotter",
    "native",
)  # the test's folder may lie on an overlay, which takes no other overlay
START_TIMEOUT = 60.0
# ctr takes CNI's configuration and plugins from these folders and no others.
CNI_CONF, CNI_BIN = Path("/etc/cni/net.d"), Path("/opt/cni/bin")
# Says that it runs, then lives as long as its standard input is open.
WAITING_PROCESS = ("/bin/busybox", "sh", "-c", "echo running; exec /bin/busybox cat")
_BIND_AND_RUN = (
    f'mount --bind "$1" {CNI_CONF} && mount --bind "$2" {CNI_BIN} && shift 2 && exec "$@"'
)


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def image_archive(command: list[str] | None = None) -> bytes:
    """A docker archive with one layer: /bin/busybox; `command` is what it runs by default."""
    layer = _tar({"bin/busybox": (BUSYBOX.read_bytes(), 0o755)})
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    config = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Cmd": command} if command else {},
        "rootfs": {"type": "layers", "diff_ids": digests},
    }
    manifest = [{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]
    return _tar(
        {
            "layer.tar": (layer, 0o644),
            "config.json": (json.dumps(config).encode(), 0o644),
            "manifest.json": (json.dumps(manifest).encode(), 0o644),
        }
    )


class Containerd:
    """Runs while the context lasts; everything it keeps is in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._address = folder / "containerd.sock"
        config = folder / "config.toml"
        config.write_text(
            f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{self._address}"\n'
        )
        self._args = ["containerd", "--config", str(config)]

    def __enter__(self) -> Containerd:
        with FolderEvents(self._folder) as events, open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                self._args, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            deadline = time.monotonic() + START_TIMEOUT
            while not self._address.exists():
                assert events.wait(deadline - time.monotonic()), (self._folder / "log").read_text()
        archive = self._folder / "image.tar"
        archive.write_bytes(image_archive())
        run_command(self._ctr("images", "import", *SNAPSHOTS, str(archive)))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(START_TIMEOUT)

    def _ctr(self, *arguments: str) -> list[str]:
        return ["ctr", "--address", str(self._address), *arguments]

    @contextlib.contextmanager
    def run(self, name: str, node: Netns, conflist: Path, plugins: list[Path]) -> Iterator[Netns]:
        """A container on the node, attached by CNI; its namespace. At the end it exits and is
        detached."""
        binaries = self._folder / f"{name}-bin"
        binaries.mkdir()
        for plugin in plugins:
            (binaries / plugin.name).symlink_to(plugin)
        for folder in (CNI_CONF, CNI_BIN):
            folder.mkdir(parents=True, exist_ok=True)
        command = self._ctr("run", "--rm", "--cni", *SNAPSHOTS, IMAGE, name, *WAITING_PROCESS)
        bind = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            _BIND_AND_RUN,
            "sh",
            str(conflist.parent),
            str(binaries),
        ]
        process = node.start(
            [*bind, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            line = process.stdout.readline()
            assert line.strip() == "running", line + process.communicate(timeout=START_TIMEOUT)[1]
            run_command(["ip", "netns", "attach", name, str(self._pid(name))])
            try:
                yield Netns(name)
            finally:
                run_command(["ip", "netns", "del", name])
        finally:
            _out, errors = process.communicate(timeout=START_TIMEOUT)  # closes its input
        assert process.returncode == 0, errors

    def _pid(self, name: str) -> int:
        rows = [line.split() for line in run_command(self._ctr("tasks", "list")).splitlines()]
        return next(int(row[1]) for row in rows if row[0] == name)
