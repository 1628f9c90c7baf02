"""Runs the built plugin as a runtime does: environment and standard input in, answer out."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node import HOST_IP, POD, PROTOCOL, TABLE, TUNNEL_END, Node

VERSIONS = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
UID = "8a1c2f0e-5a3b-4c1d-9e8f-001122334455"
CONTAINER = "c0ffee"

BUILD = Path(
    os.environ.get("AMBIENT_BUILD", Path(__file__).resolve().parents[2] / "build" / "release")
)
BINARY = BUILD / "cni-plugin" / "ambient-cni"


@dataclass
class Answer:
    status: int
    output: str
    errors: str

    @property
    def failure(self) -> dict[str, Any]:
        """The spec's error object; what is wrong with it is an assertion."""
        assert self.status != 0, f"expected a failure: {self}"
        failure = json.loads(self.output)
        assert set(failure) <= {"cniVersion", "code", "msg", "details"}, failure
        assert isinstance(failure["code"], int) and failure["cniVersion"] in VERSIONS, failure
        assert failure["msg"].strip() and "\n" not in failure["msg"], failure
        return failure

    @property
    def code(self) -> int:
        return self.failure["code"]

    def succeeded(self) -> bool:
        return self.status == 0


def result(version: str, address: str = POD, netns: str = "/run/netns/pod") -> dict[str, Any]:
    """What ptp answers in that version."""
    ip: dict[str, Any] = {"interface": 1, "address": f"{address}/24", "gateway": HOST_IP}
    if version < "1.0.0":
        ip["version"] = "6" if ":" in address else "4"
    return {
        "cniVersion": version,
        "interfaces": [
            {"name": "veth1a2b", "mac": "02:00:00:00:00:01"},
            {"name": "eth0", "mac": "02:00:00:00:00:02", "sandbox": netns},
        ],
        "ips": [ip],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dns": {},
    }


def pod_args(namespace: str, uid: str = UID) -> str:
    pod = {"K8S_POD_NAMESPACE": namespace, "K8S_POD_NAME": "sleep", "K8S_POD_UID": uid}
    return ";".join(["IgnoreUnknown=1", *(f"{key}={value}" for key, value in pod.items())])


@dataclass
class Plugin:
    node: Node
    pod: Node
    socket: Path
    version: str = "1.1.0"
    namespace: str = "default"
    container: str = CONTAINER
    uid: str = UID
    config: dict[str, Any] = field(default_factory=dict)

    def environment(self, command: str) -> dict[str, str]:
        return {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": self.container,
            "CNI_NETNS": self.pod.path,
            "CNI_IFNAME": "eth0",
            "CNI_PATH": "/usr/lib/cni",
            "CNI_ARGS": pod_args(self.namespace, self.uid),
        }

    def network(self, **changes: Any) -> dict[str, Any]:
        """The configuration; a change to None takes the key out."""
        network = {
            "cniVersion": self.version,
            "name": "pods",
            "type": "ambient-cni",
            "agent_socket": str(self.socket),
            "prevResult": result(self.version, netns=self.pod.path),
            **self.config,
            **changes,
        }
        return {key: value for key, value in network.items() if value is not None}

    def run(
        self,
        command: str,
        environment: dict[str, str | None] | None = None,
        stdin: str | None = None,
        through: tuple[str, ...] = (),
        **changes: Any,
    ) -> Answer:
        """`environment` and `changes` replace what a runtime would give; None takes away. `through`
        is a program that starts the plugin, with its arguments."""
        variables = {**self.environment(command), **(environment or {})}
        text = json.dumps(self.network(**changes)) if stdin is None else stdin
        done = self.node.run(
            *through,
            str(BINARY),
            stdin=text,
            env={k: v for k, v in variables.items() if v is not None},
        )
        return Answer(done.returncode, done.stdout, done.stderr)


def comment(container: str = CONTAINER, uid: str = UID) -> str:
    return f"{uid}/{container}/eth0"


def capture_of(address: str = POD, container: str = CONTAINER) -> dict[str, Any]:
    """The agent's answer for a pod that is captured: the pod's part of the node's state."""
    return {
        "enrolled": True,
        "reason": "its namespace says so",
        "parts": [
            {
                "where": "node",
                "wanted": {
                    "routes": [
                        {
                            "table": TABLE,
                            "to": address,
                            "via": TUNNEL_END,
                            "dev": "istioin",
                            "src": HOST_IP,
                            "protocol": PROTOCOL,
                        }
                    ],
                    "tables": [
                        {
                            "name": "ambient",
                            "sets": [
                                {
                                    "name": "pods4",
                                    "type": "ipv4_address",
                                    "elements": [{"key": address, "comment": comment(container)}],
                                },
                                {"name": "pods6", "type": "ipv6_address", "elements": []},
                            ],
                        }
                    ],
                },
                "scope": {
                    "protocol": PROTOCOL,
                    "routes": [{"table": TABLE, "to": [address]}],
                    "filter": [{"table": "ambient", "keys": [address]}],
                },
            }
        ],
    }


def pod_route(address: str = POD) -> str:
    return f"{address} via {TUNNEL_END} dev istioin proto {PROTOCOL} src {HOST_IP}"


def run_by_hand(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BINARY), *args], text=True, capture_output=True, timeout=60, **options
    )
