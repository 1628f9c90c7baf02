"""What lies in the image: the two programs, the libraries that the agent needs, certificates, and
the folders that the DaemonSet mounts something on."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import closure
from oci import Entry

AGENT = "usr/local/bin/ambient-node-agent"
PLUGIN = "usr/local/lib/ambient-cni/ambient-cni"
LOADED_LATER = "libcurl.so.4"  # by common/kubeapi
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

_TEXTS = {
    "etc/passwd": "root:x:0:0:root:/:/sbin/nologin\n",
    "etc/group": "root:x:0:\n",
    # Both are built into glibc since 2.34: no library to bring.
    "etc/nsswitch.conf": "hosts: files dns\n",
}

# The root is read-only: what is mounted needs its place.
_FOLDERS = (
    "dev",
    "etc/ambient-cni",
    "etc/cni/net.d",
    "host/proc/sys/net",
    "opt/cni/bin",
    "proc",
    "run/ambient-cni",
    "run/netns",
    "sys",
    "var/lib/ambient-cni",
)

# As on the host, where /lib and /lib64 are below /usr and /var/run is /run.
_LINKS = {"lib": "usr/lib", "lib64": "usr/lib64", "var/run": "../run"}


def stripped(file: Path) -> bytes:
    """Without symbols and debug information: they are half of it, and name the build's folders."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        subprocess.run(
            ["strip", "--strip-unneeded", "-o", str(copy), str(file.resolve())], check=True
        )
        return copy.read_bytes()


def _program(file: Path) -> Entry:
    return Entry(0o755, stripped(file))


def _place(file: Path) -> str:
    """Where it lies here: there the loader looks without being told. /lib is /usr/lib."""
    return str(file if file.is_relative_to("/usr") else Path(f"/usr{file}")).lstrip("/")


def entries(agent: Path, plugin: Path) -> dict[str, Entry]:
    if closure.loader(plugin) is not None:
        raise ValueError(f"{plugin} is not static: it could not run on any node")
    made = {AGENT: _program(agent), PLUGIN: _program(plugin)}
    interpreter = closure.loader(agent)
    if interpreter is not None:
        made[_place(interpreter)] = _program(interpreter)
    for file in closure.libraries(agent, LOADED_LATER):
        made[_place(file)] = Entry(0o644, stripped(file))
    made[str(CERTIFICATES).lstrip("/")] = Entry(0o644, CERTIFICATES.read_bytes())
    made |= {name: Entry(0o644, text.encode()) for name, text in _TEXTS.items()}
    made |= {name: Entry(0o755) for name in _FOLDERS}
    made |= {name: Entry(0o777, target=target) for name, target in _LINKS.items()}
    return made


def unpack(made: dict[str, Entry], root: Path) -> None:
    """The same as files below `root`, which must not be there yet; every folder is an entry."""
    root.mkdir()
    root.chmod(0o755)
    for name, entry in sorted(made.items()):
        path = root / name
        if entry.target is not None:
            path.symlink_to(entry.target)
            continue
        if entry.content is None:
            path.mkdir()
        else:
            path.write_bytes(entry.content)
        path.chmod(entry.mode)
