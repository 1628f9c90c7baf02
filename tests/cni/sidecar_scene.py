"""A pod with a sidecar as a network namespace, and the real agent on its node."""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path
from typing import Any

import yaml
from callers import dial, original_destination
from node import Node, delete_netns, new_netns
from plugin import UID, Plugin

from support.agent import Agent
from support.netns import Netns

OUTBOUND, INBOUND = 15001, 15006
SOMEWHERE = {socket.AF_INET: "198.51.100.7", socket.AF_INET6: "2001:db8::7"}
LOCAL = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
MAGIC = {socket.AF_INET: "127.0.0.6", socket.AF_INET6: "::6"}
FAMILIES = [socket.AF_INET, socket.AF_INET6]

_numbers = itertools.count()


def a_pod(
    annotations: dict[str, str] | None = None,
    init: tuple[str, ...] = ("istio-validation",),
    **labels: str,
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": "shop",
            "name": "sleep",
            "uid": UID,
            "labels": labels,
            "annotations": {"sidecar.istio.io/status": "{}", **(annotations or {})},
        },
        "spec": {
            "nodeName": "node-a",
            "initContainers": [{"name": name} for name in init],
            "containers": [
                {"name": "web"},
                {"name": "istio-proxy", "args": ["proxy", "sidecar"]},
            ],
        },
    }


def a_namespace(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", **metadata}}


class Pod(Node):
    def listen(self, family: int, port: int) -> socket.socket:
        """As the proxy does, on every address of the family."""

        def open_socket() -> socket.socket:
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", port))
            listener.listen()
            listener.settimeout(10)
            return listener

        return Netns(self.name).run(open_socket)

    def connect(self, family: int, address: str, port: int, user: int) -> socket.socket:
        """As the user and its group; to loopback from the loopback address, which is not what the kernel
        takes by itself for ::6."""

        source = LOCAL[family] if address == MAGIC[family] else None
        return dial(Netns(self.name), address, port, user, source=source)

    def reaches(
        self, listening: int, family: int, address: str, port: int, user: int
    ) -> tuple[str, int]:
        """Who listens at that port gets what the user opens; where it was bound for."""
        with (
            self.listen(family, listening) as listener,
            self.connect(family, address, port, user),
            listener.accept()[0] as connection,
        ):
            return original_destination(connection)

    def state(self) -> str:
        """Everything of the packet filter, rules, and routes."""
        return "".join(
            self.must(*words.split())
            for words in ("nft list ruleset", "ip -4 rule", "ip -6 rule", "ip route show table all")
        )


class Scene:
    def __init__(self, node: Node, folder: Path, **config: Any) -> None:
        made = new_netns(f"cni-sidecar-{os.getpid()}-{next(_numbers)}")
        self.pod = Pod(made.name)
        # A primary CNI's work: addresses of both families, and a way out.
        self.pod.must(
            "ip",
            "-batch",
            "-",
            stdin="link set lo up\n"
            "link add eth0 type veth peer name other\n"
            "link set eth0 addrgenmode none\n"
            "address add 10.244.1.11/24 dev eth0\n"
            "address add fd00:10:244:1::11/64 dev eth0 nodad\n"
            "link set other up\n"
            "link set eth0 up\n"
            "route add default via 10.244.1.1\n"
            "route add ::/0 via fd00:10:244:1::1 dev eth0\n",
        )
        self.objects = folder / "objects.yaml"
        self.agent = Agent(
            "node-a",
            Netns(node.name),
            folder,
            {
                "source": {"files": str(self.objects)},
                "policy": {"redirect_sidecars": True},
                **config,
            },
        )
        self.plugin = Plugin(node, self.pod, self.agent.socket, namespace="shop")

    def shows(self, *items: dict[str, Any]) -> None:
        kinds = {item["kind"] for item in items}
        everything = [*items, *([] if "Namespace" in kinds else [a_namespace()])]
        self.objects.write_text(
            yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": everything})
        )
        self.agent.start()
        self.agent.wait_serving()

    def close(self) -> None:
        if self.agent.running:
            self.agent.stop()
        delete_netns(self.pod)
