"""The whole cluster of the tests: namespaces, objects, agents, attached pods, proxies and
applications."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from support.cluster import topology
from support.cluster.capture import Capture
from support.cluster.datagrams import UdpServer
from support.cluster.datapath import Product
from support.cluster.hops import Paths
from support.cluster.kubeproxy import KubeProxy
from support.cluster.mesh import XDS_PORT, Mesh
from support.cluster.model import (
    AMBIENT_LABEL,
    APP_PORT,
    DNS_PORT,
    EXTERNAL_ADDRESS,
    HOST_PORT,
    UDP_PORT,
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    UNDERLAY,
    Node,
    Pod,
)
from support.cluster.traffic import Address, AppServer, Connection, EchoServer, Seen, exchange
from support.cni import NodeCni
from support.kernel_events import KernelEvents
from support.kernel_view import filter_table, routes
from support.kube_objects import ObjectStore

INBOUND_TABLE = 100


class Cluster:
    """Built once a test session. Tests put back whatever they change."""

    def __init__(
        self,
        folder: Path,
        datapath: Product,
        pods: dict[str, Pod] = PODS,
        store: ObjectStore | None = None,
    ) -> None:
        self.folder = folder
        self.datapath = datapath
        self.pods = pods
        self.store = store or ObjectStore(folder / "objects", NAMESPACES, list(pods.values()))
        self.veths: dict[str, str] = {}
        # Where the primary network is not as the model says: see host_ip() and Paths.
        self.host_ips: dict[str, str] = {}
        self.uplinks: dict[str, str] = {}
        self.paths = Paths(self.veths, self.uplinks)
        self.netns = topology.build(pods)
        self.cni = {
            name: NodeCni(
                node, self.netns[node.netns], folder / node.netns, datapath.chained(self, node)
            )
            for name, node in NODES.items()
        }
        self.mesh = Mesh(folder / "mesh", self.netns, pods)
        self.apps: dict[str, AppServer] = {}
        self._udp: list[UdpServer] = []

    def start(self, say: Callable[[str], None] = lambda text: None) -> None:
        """`say` is told what begins."""
        self.store.write()
        say("the agents: ambient-node-agent in each node's namespace")
        self.datapath.start()
        ztunnels = [pod for pod in self.pods.values() if pod.kind == "ztunnel"]
        say("ztunnel pods, attached by libcni: ptp, then ambient-cni")
        self.attach(*ztunnels)
        self.datapath.wait_ready(self)
        others = [pod for pod in self.pods.values() if pod.name not in self.veths]
        say(f"{len(others)} pods, attached the same way")
        self.attach(*others)
        say("the proxies: ztunnel stand-ins, and Envoy as sidecars and waypoint")
        self.mesh.start()
        self._start_apps()

    def attach(self, *pods: Pod) -> None:
        """CNI ADD for each pod, then its address and readiness in the objects, as kubelet reports
        them."""
        for pod in pods:
            self.veths[pod.name] = self.cni[pod.node].add(pod)
            self.store.states[pod.name].attached = True
        self.store.write()

    def host_ip(self, node: Node) -> str:
        """The source of what the node sends to its pods."""
        return self.host_ips.get(node.name, node.host_ip)

    def is_enrolled(self, pod: Pod) -> bool:
        """The pod's address is in the node's set, and its route leads to ztunnel."""
        netns = self.netns[NODES[pod.node].netns]
        routed = any(line.startswith(f"{pod.address} via") for line in routes(netns, INBOUND_TABLE))
        return routed and f" {pod.address}" in filter_table(netns)

    def set_ambient(self, namespace: str, ambient: bool) -> None:
        """Adds or removes the namespace's label, and waits until the kernel has followed for its
        attached pods."""
        pods = [
            p for p in self.store.pods.values() if p.namespace == namespace and p.name in self.veths
        ]
        with contextlib.ExitStack() as stack:
            events = {
                p.node: stack.enter_context(KernelEvents(self.netns[NODES[p.node].netns]))
                for p in pods
            }
            self.store.namespaces[namespace] = dict(AMBIENT_LABEL) if ambient else {}
            self.store.write()
            for pod in pods:
                events[pod.node].wait_until(
                    lambda: self.is_enrolled(pod) == ambient, f"{pod.name} enrolled: {ambient}"
                )

    def _start_apps(self) -> None:
        for name, pod in self.pods.items():
            if pod.kind not in ("ztunnel", "waypoint"):
                self.apps[name] = AppServer(self.netns[name], APP_PORT)
        node_a, node_b = self.netns[NODES["a"].netns], self.netns[NODES["b"].netns]
        self.apps["host"] = AppServer(node_a, HOST_PORT)
        self.apps["xds"] = EchoServer(node_b, XDS_PORT)
        self.apps["external"] = AppServer(self.netns[UNDERLAY], 80, EXTERNAL_ADDRESS)
        self._udp = [UdpServer(node_a, UDP_PORT, NODES["a"].address)]
        for name, port in (("plain-b", DNS_PORT), ("plain-b", UDP_PORT), ("server", UDP_PORT)):
            if name in self.pods:
                self._udp.append(UdpServer(self.netns[name], port))

    def stop(self) -> None:
        """Everything goes, even if something does not end well; that is raised at the end."""
        with contextlib.ExitStack() as stack:
            stack.callback(topology.destroy, self.pods)
            stack.callback(self.datapath.stop)
            for server in (*self.apps.values(), *self._udp):
                stack.callback(server.close)
            stack.callback(self.mesh.stop)

    def logs(self) -> dict[str, list[str]]:
        """What each program said, for a failing test's report."""
        logs = {
            f"proxy of {name}": [str(r) for r in proxy.records()]
            for name, proxy in self.mesh.proxies.items()
        }
        return logs | {f"agent {name}": agent.log() for name, agent in self.datapath.agents.items()}

    @contextlib.contextmanager
    def kube_proxy(self, mode: str) -> Iterator[None]:
        """Service rules in that mode on nodes with clients of services, while the context lasts."""
        proxies = [
            KubeProxy(self.netns[node.netns], node, mode, SERVICES.values())
            for node in (NODES["a"], NODES["b"])
        ]
        for proxy in proxies:
            proxy.install()
        try:
            yield
        finally:
            for proxy in proxies:
                proxy.remove()

    def capture(self, *names: str) -> Capture:
        """Watches namespaces by name; nodes as node-a ..."""
        return Capture(self.netns[name] for name in names)

    def exchange(self, client: str, destination: Address, source: str | None = None) -> Seen:
        return exchange(self.netns[client], destination, source)

    def record(self, proxy: str, client: Address, **wanted: Any) -> dict[str, Any]:
        """What the proxy of that pod logged about the connection that came from `client`."""
        return self.mesh.proxies[proxy].wait_record(src=f"{client[0]}:{client[1]}", **wanted)

    def connect(self, client: str, destination: Address) -> Connection:
        return Connection(self.netns[client], destination)
