"""Attaches pods through libcni (cnitool), as a container runtime does: one conflist folder per
node."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from support.agent import program
from support.cluster.model import Node, Pod
from support.netns import Netns

NETWORK = "pods"
DEBIAN_PLUGINS = "/usr/lib/cni"


def run_plugin(netns: Netns, network: dict[str, Any], **environment: str) -> subprocess.CompletedProcess[str]:
    """Our plugin alone, as a runtime calls it: `network` on standard input, CNI_* as named."""
    plugin = program("ambient-cni")
    return netns.run(
        lambda: subprocess.run(
            [str(plugin)],
            input=json.dumps(network),
            env={"CNI_PATH": str(plugin.parent), **environment},
            text=True,
            capture_output=True,
            timeout=60,
        )
    )


class NodeCni:
    """CNI of one node: Debian's ptp with host-local, and whatever plugins are chained behind."""

    def __init__(
        self, node: Node, netns: Netns, folder: Path, chained: list[dict[str, Any]]
    ) -> None:
        self._netns = netns
        self._conf_folder = folder / "net.d"
        self._conf_folder.mkdir(parents=True, exist_ok=True)
        self._path = f"{program('ambient-cni').parent}:{DEBIAN_PLUGINS}"
        conflist = {
            "cniVersion": "1.0.0",
            "name": NETWORK,
            "plugins": [
                {
                    "type": "ptp",
                    "ipMasq": False,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": str(folder / "ipam"),
                        "ranges": [[{"subnet": node.pod_cidr, "gateway": node.host_ip}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                *chained,
            ],
        }
        self.conflist = self._conf_folder / "10-pods.conflist"
        self.conflist.write_text(json.dumps(conflist, indent=2))

    def attempt(self, verb: str, pod: Pod) -> subprocess.CompletedProcess[str]:
        """Runs the verb (add, check, del); the caller judges the outcome."""
        environment = {
            **os.environ,
            "NETCONFPATH": str(self._conf_folder),
            "CNI_PATH": self._path,
            "CNI_ARGS": ";".join(
                (
                    "IgnoreUnknown=1",
                    f"K8S_POD_NAMESPACE={pod.namespace}",
                    f"K8S_POD_NAME={pod.name}",
                    f"K8S_POD_INFRA_CONTAINER_ID={pod.name}",
                    f"IP={pod.address}",  # host-local then gives this address
                )
            ),
        }
        args = [
            os.environ.get("AMBIENT_CNITOOL", "cnitool"),
            verb,
            NETWORK,
            f"/run/netns/{pod.name}",
        ]
        return self._netns.run(
            lambda: subprocess.run(
                args, env=environment, text=True, capture_output=True, timeout=60
            )
        )

    def _must(self, verb: str, pod: Pod) -> str:
        done = self.attempt(verb, pod)
        if done.returncode != 0:
            raise RuntimeError(
                f"cnitool {verb} {pod.name}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def add(self, pod: Pod) -> str:
        """Attaches the pod; the name of its veth on the node."""
        result = json.loads(self._must("add", pod))
        return next(link["name"] for link in result["interfaces"] if not link.get("sandbox"))

    def check(self, pod: Pod) -> None:
        self._must("check", pod)

    def delete(self, pod: Pod) -> None:
        self._must("del", pod)
