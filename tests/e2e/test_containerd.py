"""A container that containerd attaches through our chain, found by its address in the objects,
enters the mesh."""

from __future__ import annotations

import json
from pathlib import Path

from support.agent import program
from support.cluster.cluster import Cluster
from support.cluster.model import APP_PORT, NODES, PODS, Pod
from support.cluster.traffic import AppServer
from support.cni import DEBIAN_PLUGINS
from support.containerd import Containerd
from support.kernel_events import KernelEvents
from support.kube_objects import PodState

A = NODES["a"]
NAME = "from-containerd"
PLAIN_B = PODS["plain-b"]


def test_container_of_containerd(cluster: Cluster, tmp_path: Path) -> None:
    node = cluster.netns[A.netns]
    plugins = [
        Path(DEBIAN_PLUGINS) / "ptp",
        Path(DEBIAN_PLUGINS) / "host-local",
        program("ambient-cni"),
    ]
    with Containerd(tmp_path / "containerd") as containerd:
        with containerd.run(NAME, node, cluster.cni["a"].conflist, plugins) as container:
            cluster.netns[NAME] = container
            interfaces = json.loads(
                container.command("ip", "-json", "-4", "address", "show", "dev", "eth0")
            )
            address = interfaces[0]["addr_info"][0]["local"]
            pod = Pod(NAME, "a", int(address.rpartition(".")[2]), "mesh", "ambient")
            with KernelEvents(node) as events:
                cluster.store.add(pod, PodState(attached=True))
                cluster.store.write()
                events.wait_until(lambda: cluster.is_enrolled(pod), f"{address} enrolled")
            server = AppServer(container, APP_PORT)
            outgoing = cluster.exchange(NAME, (PLAIN_B.address, APP_PORT))
            cluster.record("zt-a", outgoing.client, listener=15001)
            incoming = cluster.exchange("plain-b", (address, APP_PORT))
            cluster.record("zt-a", incoming.client, listener=15006)
            server.close()
            cluster.store.remove(NAME)
        with KernelEvents(node) as events:
            cluster.store.write()
            events.wait_until(lambda: not cluster.is_enrolled(pod), f"{address} gone")
        del cluster.netns[NAME]
