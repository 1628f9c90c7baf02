"""Paths through the cluster as lists of hops, each a device in a namespace on which packets must
have been seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from support.cluster.capture import TCP, Capture, Packet
from support.cluster.model import APP_PORT, NODES, PODS, Node, Pod

IN, OUT = False, True


@dataclass(frozen=True)
class Hop:
    """Packets from `src` to `dst`:`dport` that pass `device` of `netns` in one direction."""

    netns: str
    device: str
    out: bool
    src: str
    dst: str
    dport: int
    only_syn: bool = False  # exactly one packet, the first one: the Geneve devices (CONTRACT)

    def matches(self, packet: Packet) -> bool:
        return (
            packet.netns == self.netns
            and packet.device == self.device
            and packet.out == self.out
            and packet.src == self.src
            and packet.dst == self.dst
            and packet.dport == self.dport
        )

    def __str__(self) -> str:
        direction = "out of" if self.out else "into"
        return f"{direction} {self.netns}/{self.device}: {self.src} > {self.dst}:{self.dport}"


def measure(capture: Capture, hops: Iterable[Hop]) -> list[int]:
    """The number of packets at each hop."""
    return [sum(1 for packet in capture.packets() if hop.matches(packet)) for hop in hops]


def assert_hops(capture: Capture, hops: list[Hop]) -> None:
    """Every hop was passed; a Geneve device by exactly one packet."""
    counts = measure(capture, hops)
    wrong = [
        f"{hop}: {count} packets"
        for hop, count in zip(hops, counts, strict=True)
        if count == 0 or (hop.only_syn and count != 1)
    ]
    assert not wrong, "\n".join(
        ["hops not passed as they must be:", *wrong, "seen:", capture.summary()]
    )


GENEVE_DEVICES = ("istioin", "istioout", "pistioin", "pistioout")


def _connection(packet: Packet) -> frozenset[tuple[str, int]]:
    return frozenset({(packet.src, packet.sport), (packet.dst, packet.dport)})


def assert_not_captured(capture: Capture) -> None:
    """No packet passed a Geneve device, but for connections that began before the capture: what an
    earlier test broke on purpose may still be retransmitted."""
    packets = capture.packets()
    begun = {_connection(packet) for packet in packets if packet.is_syn}
    strays = [
        str(packet)
        for packet in packets
        if packet.device in GENEVE_DEVICES
        and (packet.protocol != TCP or _connection(packet) in begun)
    ]
    assert not strays, "\n".join(["on the Geneve devices:", *strays])


class Paths:
    """Builds hop lists. `veths` gives the node's device of each pod, `uplinks` its node's uplink by the
    pod's address, where that is not eth0."""

    def __init__(self, veths: dict[str, str], uplinks: dict[str, str]) -> None:
        self._veths = veths
        self._uplinks = uplinks

    @staticmethod
    def _ztunnel(node: Node) -> Pod:
        return PODS[f"zt-{node.name}"]

    def leave(self, pod: Pod, dst: str, port: int, src: str | None = None) -> list[Hop]:
        """Out of the pod by its veth, onto the node."""
        source, node = src or pod.address, NODES[pod.node]
        return [
            Hop(pod.name, "eth0", OUT, source, dst, port),
            Hop(node.netns, self._veths[pod.name], IN, source, dst, port),
        ]

    def arrive(self, pod: Pod, src: str, port: int) -> list[Hop]:
        """From the node by the pod's veth, into the pod."""
        node = NODES[pod.node]
        return [
            Hop(node.netns, self._veths[pod.name], OUT, src, pod.address, port),
            Hop(pod.name, "eth0", IN, src, pod.address, port),
        ]

    def captured(self, node: Node, src: str, dst: str, port: int) -> list[Hop]:
        """The SYN of a pod's connection through istioout into the node's ztunnel."""
        return self._geneve(node, "out", src, dst, port)

    def delivered(self, node: Node, src: str, dst: str, port: int) -> list[Hop]:
        """The SYN of a connection to an enrolled pod through istioin into the node's ztunnel."""
        return self._geneve(node, "in", src, dst, port)

    def _geneve(self, node: Node, way: str, src: str, dst: str, port: int) -> list[Hop]:
        return [
            Hop(node.netns, f"istio{way}", OUT, src, dst, port, only_syn=True),
            Hop(self._ztunnel(node).name, f"pistio{way}", IN, src, dst, port, only_syn=True),
        ]

    def from_ztunnel(self, node: Node, src: str, dst: str, port: int) -> list[Hop]:
        """ztunnel's own packets, by its eth0 with the given (spoofed) source."""
        return self.leave(self._ztunnel(node), dst, port, src)

    def wire(self, start: Node, end: Node, src: str, dst: str, port: int) -> list[Hop]:
        """From node to node over the underlay; nothing when it is one node."""
        if start == end:
            return []
        return [
            Hop(start.netns, self._uplinks.get(src, "eth0"), OUT, src, dst, port),
            Hop(end.netns, self._uplinks.get(dst, "eth0"), IN, src, dst, port),
        ]

    def to_ztunnel(self, client: Pod, dst: str, port: int) -> list[Hop]:
        """From an enrolled pod into its own ztunnel (path 1, hops 1 to 5)."""
        return [
            *self.leave(client, dst, port),
            *self.captured(NODES[client.node], client.address, dst, port),
        ]

    def into_ambient(self, src: str, pod: Pod, port: int, app_port: int = APP_PORT) -> list[Hop]:
        """From the pod's node into its ztunnel and on to the pod, source kept (path 2, hops 5 to
        9)."""
        node = NODES[pod.node]
        return [
            *self.delivered(node, src, pod.address, port),
            *self.from_ztunnel(node, src, pod.address, app_port),
            *self.arrive(pod, src, app_port),
        ]

    def untouched(self, client: Pod, server: Pod, port: int, src: str | None = None) -> list[Hop]:
        """Pod to pod without us."""
        source = src or client.address
        return [
            *self.leave(client, server.address, port),
            *self.wire(NODES[client.node], NODES[server.node], source, server.address, port),
            *self.arrive(server, source, port),
        ]
