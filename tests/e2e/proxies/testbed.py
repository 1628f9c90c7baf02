"""A small network for the proxies alone: no geneve, no agent. Needs root.

    pod-a -- zt-a --+
                   net (router) -- sidecar, waypoint
    pod-b -- zt-b --+

Each ztunnel stands in the path of its pod, and takes by TPROXY what goes in or out of it.
"""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor

from support import netns

ADDRESSES = {"pod-a": "10.9.1.11", "zt-a": "10.9.1.10", "pod-b": "10.9.2.11", "zt-b": "10.9.2.10",
             "sidecar": "10.9.3.13", "waypoint": "10.9.3.14", "net": "10.9.0.1"}
GATEWAYS = "169.254.2.1", "169.254.1.1"  # of the pods behind a ztunnel; of the others
APP_PORT = 8080
HALF_PORT = 8082  # of check_half_close()'s server in pod-b
SERVICE_PORT = 80
SERVICE_B = "10.96.0.1"  # pod-b
SERVICE_BY_WAYPOINT = "10.96.0.2"  # pod-b, behind the waypoint
SERVICE_A = "10.96.0.3"  # pod-a: itself, when pod-a asks
DNS_ANSWER = "192.0.2.53"
XDS_PORT = 15012


def ipv4(name: str) -> str:
    return ADDRESSES[name]


def ipv6(name: str) -> str:
    return "fd00::" + ADDRESSES[name].replace(".", ":")


def _capture_rules(pod: str) -> str:
    """What TPROXY gives to the stand-in, as nft rules.

    `socket transparent`: segments of connections that it has accepted or opened already.
    """
    def to(port: int, match: str) -> str:
        return (f"meta l4proto tcp meta nfproto ipv4 {match} tproxy ip to 127.0.0.1:{port}"
                " meta mark set 0x400 accept\n"
                f"meta l4proto tcp meta nfproto ipv6 {match} tproxy ip6 to [::1]:{port}"
                " meta mark set 0x400 accept\n")
    return ("table inet capture {\nchain prerouting {\n"
            "type filter hook prerouting priority mangle\n"
            "meta l4proto tcp socket transparent 1 meta mark set 0x400 accept\n"
            + to(15001, 'iifname "pod"')
            + f"ip daddr != {ADDRESSES[pod]} return\nip6 daddr != {ipv6(pod)} return\n"
            + to(15008, 'iifname "eth0" tcp dport 15008') + to(15006, 'iifname "eth0"')
            + "}\n}\n")


class Network:
    """The namespaces by name, connected and without proxies."""

    def __init__(self) -> None:
        names = {name: f"proxies-{os.getpid()}-{name}" for name in ADDRESSES}
        made = netns.create(list(names.values()))
        self.netns = dict(zip(names, made, strict=True))
        for space in made:
            space.sysctl("ipv6/conf/all/disable_ipv6", 0)
            space.sysctl("ipv6/conf/default/disable_ipv6", 0)
            space.sysctl("ipv4/ip_forward", 1)
            space.sysctl("ipv6/conf/all/forwarding", 1)
        self.netns["net"].ip(f"addr add {ADDRESSES['net']}/32 dev lo",
                             f"addr add {ipv6('net')}/128 dev lo")
        for name in ("zt-a", "zt-b", "sidecar", "waypoint"):
            self._connect(name, "net", name)
        for side in ("a", "b"):
            self._capture(f"pod-{side}", f"zt-{side}")

    def close(self) -> None:
        netns.delete([space.name for space in self.netns.values()])

    def _connect(self, inner: str, outer: str, outer_link: str) -> None:
        """A veth pair: the inner end has the name's addresses, the outer one is its gateway."""
        gateway = GATEWAYS[outer == "net"]
        outer_netns = self.netns[outer]
        self.netns[inner].ip(
            f"link add eth0 type veth peer name {outer_link} netns {outer_netns.name}",
            "link set eth0 up",
            f"addr add {ADDRESSES[inner]}/32 dev eth0",
            f"addr add {ipv6(inner)}/128 dev eth0 nodad",
            f"route add default via {gateway} dev eth0 onlink",
            "route add ::/0 via fe80::1 dev eth0")
        outer_netns.ip(f"link set {outer_link} up",
                       f"addr add {gateway}/32 dev {outer_link}",
                       f"addr add fe80::1/64 dev {outer_link} nodad",
                       f"route add {ADDRESSES[inner]} dev {outer_link} src {ADDRESSES[outer]}",
                       f"route add {ipv6(inner)} dev {outer_link} src {ipv6(outer)}")

    def _capture(self, pod: str, ztunnel: str) -> None:
        self._connect(pod, ztunnel, "pod")
        self.netns["net"].ip(*(
            f"route add {address(pod)} via {address(ztunnel)} dev {ztunnel} src {address('net')}"
            for address in (ipv4, ipv6)))
        space = self.netns[ztunnel]
        space.ip("rule add fwmark 0x400 lookup 100", "route add local default dev lo table 100",
                 "route add local ::/0 dev lo table 100")
        space.command("ip", "-6", "rule", "add", "fwmark", "0x400", "lookup", "100")
        space.nft(_capture_rules(pod))


def workloads() -> dict:
    """What istiod would tell the ztunnels of node "a" and node "b"."""
    mesh = [{"address": address, "namespace": "default", "service_account": name,
             "node": name[-1], "protocol": "tcp" if name == "sidecar" else "hbone"}
            for name in ("pod-a", "pod-b", "sidecar", "waypoint")
            for address in (ADDRESSES[name], ipv6(name))]
    to_b = f"{ADDRESSES['pod-b']}:{APP_PORT}"
    return {"workloads": mesh, "services": [
        {"address": SERVICE_B, "port": SERVICE_PORT, "endpoints": [to_b]},
        {"address": SERVICE_BY_WAYPOINT, "port": SERVICE_PORT, "endpoints": [to_b],
         "waypoint": ADDRESSES["waypoint"]},
        {"address": SERVICE_A, "port": SERVICE_PORT,
         "endpoints": [f"{ADDRESSES['pod-a']}:{APP_PORT}"]}]}


def check_half_close(network: Network, client: str, target: tuple[str, int], first: str) -> None:
    """A connection from `client` to `target`, which leads to pod-b's HALF_PORT: the `first` one of
    "client" and "server" ends its sending at once, and must still receive all from the other."""
    family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    late = bytes(range(256)) * 400
    server_side = network.netns["pod-b"].run(
        lambda: socket.create_server(("", HALF_PORT), family=family))
    with server_side:
        near = network.netns[client].run(lambda: socket.create_connection(target, 20))
        server_side.settimeout(20)
        far, _ = server_side.accept()
        with near, far:
            far.settimeout(20)
            one, other = (near, far) if first == "client" else (far, near)
            one.shutdown(socket.SHUT_WR)
            if other.recv(1) != b"":
                raise AssertionError("data where there was none")
            with ThreadPoolExecutor() as pool:
                received = pool.submit(one.makefile("rb").read)
                other.sendall(late)
                other.shutdown(socket.SHUT_WR)
                if received.result() != late:
                    raise AssertionError("data lost after the first end")
