"""A node whose agent serves HTTP: its configuration, its process, and a client."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.fake_apiserver import TOKEN, FakeApiServer, write_kubeconfig
from support.installation import FLANNEL, PLUGIN, Agent, Installation, wait_until

NAME = "node-a"
DAEMONSET = ("mesh-system", "agent")
PORT = 15014  # the namespace is ours alone


def get(path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def answers() -> bool:
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=20).close()
    except ConnectionRefusedError:
        return False
    return True


class Node:
    """With a network configuration of its own, which the agent installs into."""

    def __init__(self, folder: Path, server: FakeApiServer | None = None) -> None:
        config: dict[str, Any] = {"node_name": NAME, "health": {"port": PORT}}
        if server:
            kubeconfig = write_kubeconfig(
                folder / "kubeconfig",
                server.url,
                {"certificate-authority": str(server.authority.file)},
                {"token": TOKEN},
            )
            config["source"] = {"kind": "kubernetes", "kubeconfig": str(kubeconfig)}
            config["daemonset"] = "/".join(DAEMONSET)
        self.installation = Installation(folder / "node", config)
        self.installation.write("10-flannel.conflist", FLANNEL)
        self.before = self.installation.files()

    def put_objects(self, text: str) -> None:
        """Takes the place of what was there."""
        new = self.installation.folder / "new"
        new.write_text(text)
        new.rename(self.installation.folder / "objects" / "objects.yaml")

    def cni_status(self) -> int:
        """The error code of the plugin's answer to a runtime's STATUS; 0 for ready."""
        config = {
            "cniVersion": "1.1.0",
            "name": "pods",
            "type": "ambient-cni",
            "agent_socket": self.installation.config["socket"],
        }
        done = subprocess.run(
            [str(PLUGIN)],
            input=json.dumps(config),
            env={"CNI_COMMAND": "STATUS", "CNI_PATH": str(PLUGIN.parent)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return int(json.loads(done.stdout)["code"]) if done.returncode else 0

    @contextmanager
    def agent(self) -> Iterator[Agent]:
        with self.installation.agent("env") as agent:
            wait_until(answers, agent.process, "the port is open")
            yield agent

    @contextmanager
    def installed_agent(self) -> Iterator[Agent]:
        with self.agent() as agent:
            # Not once the entry stands: a folder's last step may still be under way then.
            agent.wait_for_line('event="installed on this node"')
            yield agent
