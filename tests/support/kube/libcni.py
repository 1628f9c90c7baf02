"""Sandboxes as containerd makes them, without containerd: a network namespace, and libcni (cnitool)
on the node's own configuration and plugins. Much quicker on an emulated CPU."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.netns import Netns, create, delete

NETWORK = "pods"
TIMEOUT = 60


class AddRefused(Exception):
    """The runtime could not attach the sandbox; the kubelet would try again."""


class CniFailed(Exception):
    """What libcni said."""


@dataclass(frozen=True)
class NetnsSandbox:
    """A pod's namespace, attached."""

    cni: LibCni
    netns: str
    arguments: str
    address: str

    def remove(self) -> None:
        self.cni.remove(self.netns, self.arguments)


class LibCni:
    def __init__(self, node: Netns, conf_dir: Path, bin_dir: Path) -> None:
        self._node, self._conf_dir, self._bin_dir = node, conf_dir, bin_dir
        self.to_remove: list[tuple[str, str]] = []  # namespace and arguments; DEL failed

    def run_sandbox(self, space: str, name: str, uid: str) -> NetnsSandbox:
        netns = f"{space}.{name}"
        create([netns])
        arguments = ";".join(
            (
                "IgnoreUnknown=1",
                f"K8S_POD_NAMESPACE={space}",
                f"K8S_POD_NAME={name}",
                f"K8S_POD_INFRA_CONTAINER_ID={netns}",
                f"K8S_POD_UID={uid}",
            )
        )
        try:
            result = json.loads(self._call("add", netns, arguments))
        except CniFailed as error:
            self.remove(netns, arguments)  # as every runtime does
            raise AddRefused(str(error)) from error
        address = result["ips"][0]["address"].partition("/")[0]
        return NetnsSandbox(self, netns, arguments, address)

    def remove(self, netns: str, arguments: str) -> None:
        self.to_remove.append((netns, arguments))
        self.retry_removals()

    def retry_removals(self) -> None:
        """As the kubelet does, for ever: DEL may fail while a plugin's binary is being replaced."""
        left = []
        for netns, arguments in self.to_remove:
            try:
                self._call("del", netns, arguments)
            except CniFailed:
                left.append((netns, arguments))
            else:
                delete([netns])
        self.to_remove = left

    def _call(self, verb: str, netns: str, arguments: str) -> str:
        environment = {
            **os.environ,
            "NETCONFPATH": str(self._conf_dir),
            "CNI_PATH": str(self._bin_dir),
            "CNI_ARGS": arguments,
        }
        args = [os.environ["AMBIENT_CNITOOL"], verb, NETWORK, f"/run/netns/{netns}"]
        done = self._node.run(
            lambda: subprocess.run(
                args, env=environment, text=True, capture_output=True, timeout=TIMEOUT
            )
        )
        if done.returncode != 0:
            raise CniFailed(f"cnitool {verb}: {done.stdout}{done.stderr}")
        return done.stdout
