"""Pods with a sidecar on one node, as they are asked for: the real agent decides, the plugin makes their
rules."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from node import Node, delete_netns, new_netns
from plugin import Plugin, result
from sidecar_network import Neighbours

from support.agent import Agent
from support.netns import Netns

_numbers = itertools.count()


@dataclass(frozen=True)
class SidecarPod:
    """What an object says of it, besides what makes it a sidecar pod."""

    name: str
    annotations: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)  # of istio-proxy
    proxy: dict[str, Any] = field(default_factory=dict)  # other fields of istio-proxy
    native: bool = False  # istio-proxy is an init container

    def objects(self, space: str) -> list[dict[str, Any]]:
        """The pod and a namespace of its own."""
        proxy = {
            "name": "istio-proxy",
            "args": ["proxy", "sidecar"],
            "env": [{"name": name, "value": value} for name, value in self.env.items()],
            **self.proxy,
        }
        metadata = {
            "namespace": space,
            "name": "sleep",
            "uid": space,
            "annotations": {"sidecar.istio.io/status": "{}", **self.annotations},
        }
        containers = [{"name": "web"}, *([] if self.native else [proxy])]
        init = [{**proxy, "restartPolicy": "Always"}] if self.native else []
        spec = {"nodeName": "node-a", "initContainers": init, "containers": containers}
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec},
        ]


class Pods:
    """All of them are in the source from the beginning."""

    def __init__(self, folder: Path, pods: list[SidecarPod]) -> None:
        self._name = f"sidecars-{os.getpid()}-{next(_numbers)}"
        self._spaces = {pod.name: f"space-{number}" for number, pod in enumerate(pods)}
        self.node: Node = new_netns(f"{self._name}-node")
        self.node.must("ip", "link", "set", "lo", "up")
        objects = folder / "objects.yaml"
        items = [item for pod in pods for item in pod.objects(self._spaces[pod.name])]
        objects.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
        config = {"source": {"files": str(objects)}, "policy": {"redirect_sidecars": True}}
        self.agent = Agent("node-a", Netns(self.node.name), folder, config)
        self._made: list[Neighbours] = []
        self.agent.start()
        self.agent.wait_serving()

    def attach(
        self,
        pod: SidecarPod,
        address: str,
        prepare: Callable[[Neighbours], None] = lambda net: None,
        **network: Any,
    ) -> Neighbours:
        """Its network with the rules of ADD; `prepare` comes before those."""
        net = Neighbours(f"{self._name}-{next(_numbers)}", **network)
        self._made.append(net)
        prepare(net)
        space = self._spaces[pod.name]
        plugin = Plugin(
            self.node, net.made[0], self.agent.socket, namespace=space, container=space, uid=space
        )
        told = result(plugin.version, address, plugin.pod.path)
        answer = plugin.run("ADD", prevResult=told)
        assert answer.succeeded(), answer
        return net

    def close(self) -> None:
        self.agent.stop()
        for net in self._made:
            net.close()
        delete_netns(self.node)
