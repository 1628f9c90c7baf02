"""A pod with a sidecar among neighbours, without proxies: who gets a connection says so.

    outside -- eth0 [pod] virt0 -- guest

`outside` has every address of two networks of each family, and is the pod's default route. `guest` stands
behind the pod, as a virtual machine does that runs in it.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from callers import PROXY, ask, as_user, dial
from node import delete_netns, new_netns

from support.netns import Netns

V4, V6 = socket.AF_INET, socket.AF_INET6
NEAR = {V4: "198.51.100.7", V6: "2001:db8:1::7"}  # in networks that `outside` has
FAR = {V4: "203.0.113.7", V6: "2001:db8:2::7"}
NETWORKS = ("198.51.100.0/24", "203.0.113.0/24", "2001:db8:1::/64", "2001:db8:2::/64")
OUTSIDE = {V4: "169.254.1.1", V6: "fd00:f::1"}
POD = {V4: "10.244.1.11", V6: "fd00:10:244:1::11"}
GUEST = {V4: "10.99.0.2", V6: "fd00:99::2"}
HOST_OF_GUEST = {V4: "10.99.0.1", V6: "fd00:99::1"}
LO = {V4: "127.0.0.1", V6: "::1"}

OUTBOUND, INBOUND, DNS = 15001, 15006, 15053
OWN = (15008, 15020, 15021, 15090)
TRANSPARENT = {V4: (socket.SOL_IP, 19), V6: (socket.IPPROTO_IPV6, 75)}  # linux/in.h, in6.h
# Ports that somebody listens at on every side.
PORTS = (53, 80, 443, 5432, 8000, 8005, 8010, 8080, 9000, *OWN)


@dataclass(frozen=True)
class Got:
    """Who accepted, from whom, and under which address."""

    who: str
    peer: str
    local: tuple[str, int]


class Answering:
    """Accepts at ports of a namespace, TCP and UDP, in both families; tells everyone who it is."""

    def __init__(
        self,
        netns: Netns,
        who: str,
        ports: Iterable[int],
        user: int = 0,
        datagrams: dict[int, str] | None = None,
        says: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """`datagrams`: the addresses at which those are answered. Of several, the kernel would not answer
        from the one that was asked. `says`: with what."""
        self._who = who
        self._says = says or (lambda question: who.encode())
        self._datagrams = datagrams or {V4: "", V6: ""}
        self._selector = selectors.DefaultSelector()
        self._wake, self._end = socket.socketpair()
        self._selector.register(self._end, selectors.EVENT_READ, None)
        self._sockets: list[socket.socket] = []
        as_user(netns, user, user, lambda: self._listen(ports))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _listen(self, ports: Iterable[int]) -> None:
        for port in ports:
            for family in (V4, V6):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    self._sockets.append(listener := socket.socket(family, kind))
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    if family == V6:
                        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    if port == INBOUND:
                        listener.setsockopt(*TRANSPARENT[family], 1)
                    stream = kind == socket.SOCK_STREAM
                    listener.bind(("" if stream else self._datagrams[family], port))
                    if stream:
                        listener.listen()
                    self._selector.register(listener, selectors.EVENT_READ, kind)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                if key.data == socket.SOCK_DGRAM:
                    question, peer = key.fileobj.recvfrom(4096)
                    key.fileobj.sendto(self._says(question), peer)
                    continue
                connection, peer = key.fileobj.accept()
                with connection, contextlib.suppress(OSError):
                    local = connection.getsockname()[:2]
                    connection.sendall(json.dumps([self._who, peer[0], local]).encode())

    def close(self) -> None:
        self._wake.close()
        self._thread.join()
        for one in (*self._sockets, self._end):
            one.close()
        self._selector.close()


class Neighbours:
    """The pod, and who can be reached. Without rules; those are the plugin's work."""

    def __init__(
        self, name: str, envoy: bool = False, outside_says: Callable[[bytes], bytes] | None = None
    ) -> None:
        """`envoy`: it will listen at the proxy's ports. `outside_says` answers datagrams."""
        self.made = [new_netns(f"{name}-{role}") for role in ("pod", "outside", "guest")]
        self.pod, self.outside, self.guest = (Netns(one.name) for one in self.made)
        self._wire()
        self._answering = [
            Answering(self.outside, "outside", PORTS, datagrams=NEAR, says=outside_says),
            Answering(self.guest, "guest", PORTS),
            Answering(self.pod, "app", [port for port in PORTS if not (envoy and port in OWN)]),
        ]
        if envoy:
            return
        self._answering += [
            # As the proxy's user and on loopback, as Istio's agent listens for DNS.
            Answering(self.pod, "outbound", (OUTBOUND, DNS), PROXY, datagrams=LO),
            Answering(self.pod, "inbound", (INBOUND,)),
        ]

    def _wire(self) -> None:
        for netns in (self.pod, self.outside, self.guest):
            netns.sysctl("ipv6/conf/default/accept_dad", 0)
            netns.sysctl("ipv6/conf/all/accept_dad", 0)
            netns.sysctl("ipv4/ip_forward", 1)
            netns.sysctl("ipv6/conf/all/forwarding", 1)
        self.pod.ip(
            "link set lo up",
            f"link add eth0 type veth peer name pod netns {self.outside.name}",
            f"link add virt0 type veth peer name eth0 netns {self.guest.name}",
            *self._end("eth0", POD, OUTSIDE),
            "link set virt0 up",
            f"addr add {HOST_OF_GUEST[V4]}/24 dev virt0",
            f"addr add {HOST_OF_GUEST[V6]}/64 dev virt0 nodad",
        )
        self.guest.ip("link set lo up", *self._end("eth0", GUEST, HOST_OF_GUEST))
        self.outside.ip(
            "link set lo up",
            "link set pod up",
            f"addr add {OUTSIDE[V4]}/32 dev pod",
            f"addr add {OUTSIDE[V6]}/64 dev pod nodad",
            *(f"route add local {network} dev lo" for network in NETWORKS),
            f"addr add {NEAR[V4]}/32 dev lo",
            f"addr add {NEAR[V6]}/128 dev lo nodad",
            f"route add {POD[V4]} dev pod",
            f"route add {POD[V6]} dev pod",
            f"route add {GUEST[V4]} via {POD[V4]} dev pod",
            f"route add {GUEST[V6]} via {POD[V6]} dev pod",
        )

    @staticmethod
    def _end(link: str, own: dict[int, str], gateway: dict[int, str]) -> list[str]:
        return [
            f"link set {link} up",
            f"addr add {own[V4]}/32 dev {link}",
            f"addr add {own[V6]}/128 dev {link} nodad",
            f"route add {gateway[V4]} dev {link}",
            f"route add {gateway[V6]} dev {link}",
            f"route add default via {gateway[V4]} dev {link}",
            f"route add ::/0 via {gateway[V6]} dev {link}",
        ]

    def connect(
        self, origin: Netns, address: str, port: int, user: int = 1000, group: int | None = None
    ) -> Got:
        with dial(origin, address, port, user, group) as connection:
            who, peer, local = json.loads(connection.makefile("rb").read())
        return Got(who, peer, tuple(local))

    def datagram(self, origin: Netns, address: str, port: int, user: int = 1000) -> str:
        return ask(origin, address, port, b"?", user).decode()

    def close(self) -> None:
        for one in self._answering:
            one.close()
        for one in self.made:
            delete_netns(one)
