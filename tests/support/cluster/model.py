"""The cluster that the tests run on, as values: nodes, pods, services. topology.py makes it real.

Four nodes on one underlay, each with one ztunnel. Which pod plays which part in which flow stands
beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

APP_PORT = 8080
UDP_PORT = 5000
DNS_PORT = 53
NODE_PORT = 30080  # of the service `httpbin`
HOST_PORT = 9090  # a process on node a
# What the injector writes where a CNI plugin makes the rules.
SIDECAR_STATUS = {
    "sidecar.istio.io/status": '{"initContainers":["istio-validation"],"containers":["istio-proxy"]}'
}
NO_REDIRECTION = {"ambient.istio.io/redirection": "disabled"}
AMBIENT_LABEL = {"istio.io/dataplane-mode": "ambient"}

UNDERLAY = "underlay"
UNDERLAY_ADDRESS = "172.18.0.1"  # the nodes' gateway, outside the cluster
EXTERNAL_ADDRESS = "203.0.113.10"  # a server on the internet


@dataclass(frozen=True)
class Node:
    name: str
    number: int

    @property
    def netns(self) -> str:
        return f"node-{self.name}"

    @property
    def address(self) -> str:
        return f"172.18.0.{self.number + 1}"

    @property
    def other_address(self) -> str:
        """A second address of the node, as a node with two networks has (U2)."""
        return f"172.19.0.{self.number + 1}"

    @property
    def pod_cidr(self) -> str:
        return f"10.244.{self.number}.0/24"

    @property
    def host_ip(self) -> str:
        """The node's address towards its pods: ptp puts it on each host veth."""
        return f"10.244.{self.number}.1"


NODES = {name: Node(name, number) for number, name in enumerate("abcd", start=1)}


@dataclass(frozen=True)
class Pod:
    name: str
    node: str
    host_number: int  # last byte of its address
    namespace: str
    kind: str  # ambient | sidecar | waypoint | ztunnel | plain: the tests' view, not the agent's

    @property
    def address(self) -> str:
        return f"10.244.{NODES[self.node].number}.{self.host_number}"

    @property
    def annotations(self) -> dict[str, str]:
        return {"sidecar": SIDECAR_STATUS, "waypoint": NO_REDIRECTION}.get(self.kind, {})

    @property
    def labels(self) -> dict[str, str]:
        return {"app": "ztunnel" if self.kind == "ztunnel" else self.name}


NAMESPACES: dict[str, dict[str, str]] = {
    "mesh": AMBIENT_LABEL,
    "plain": {},
    "moving": {},  # gets and loses the ambient label while the tests run
    "istio-system": {},
}

PODS = {
    pod.name: pod
    for pod in (
        *(Pod(f"zt-{name}", name, 10, "istio-system", "ztunnel") for name in NODES),
        Pod("sleep", "a", 11, "mesh", "ambient"),
        Pod("httpbin", "a", 12, "mesh", "ambient"),
        Pod("sleep-sc", "a", 13, "mesh", "sidecar"),
        Pod("plain-a", "a", 14, "plain", "plain"),
        Pod("mover", "a", 15, "moving", "plain"),
        Pod("httpbin-sc", "b", 12, "mesh", "sidecar"),
        Pod("server", "b", 13, "mesh", "ambient"),
        Pod("plain-b", "b", 14, "plain", "plain"),
        Pod("waypoint", "c", 12, "mesh", "waypoint"),
        Pod("helloworld", "d", 12, "mesh", "ambient"),
    )
}


@dataclass(frozen=True)
class Service:
    address: str
    port: int
    endpoint: tuple[str, int]
    protocol: str = "tcp"
    node_port: int | None = None

    @property
    def frontend(self) -> tuple[str, int]:
        return (self.address, self.port)


def _endpoint(pod: str, port: int = APP_PORT) -> tuple[str, int]:
    return (PODS[pod].address, port)


SERVICES = {
    "httpbin-sc": Service("10.96.0.50", 80, _endpoint("httpbin-sc")),
    "httpbin": Service("10.96.0.51", 80, _endpoint("httpbin"), node_port=NODE_PORT),
    "server": Service("10.96.0.60", 80, _endpoint("server")),
    "server-hbone": Service(
        "10.96.0.61", 80, _endpoint("server")
    ),  # the sidecar reaches it by HBONE
    "helloworld": Service("10.96.0.70", 80, _endpoint("helloworld")),  # has a waypoint
    "sleep": Service("10.96.0.80", 80, _endpoint("sleep")),
    "plain-b": Service("10.96.0.90", 80, _endpoint("plain-b")),
    "kubernetes": Service("10.96.0.1", 443, (NODES["a"].address, HOST_PORT)),
    "dns": Service("10.96.0.10", DNS_PORT, _endpoint("plain-b", DNS_PORT), protocol="udp"),
}
