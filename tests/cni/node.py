"""A node and a pod as network namespaces, with what the agent would have set up on the node."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

HOST_IP = "10.244.1.1"
ZTUNNEL = "10.244.1.10"
POD = "10.244.1.11"
POD6 = "fd00:10:244:1::11"
OTHER_POD = "10.244.1.12"
TUNNEL_END = "192.168.126.2"
TABLE = 100
PROTOCOL = 122

# `istioin` is one end of a veth pair that stands in for the Geneve device: the plugin only routes
# into it. `cni0`, the other end, stands for the devices of the pods' network.
LINKS = f"""
link set lo up
link add cni0 type veth peer name istioin
link set cni0 addrgenmode none
link set istioin addrgenmode none
address add {HOST_IP}/24 dev cni0
address add fd00:10:244:1::1/64 dev cni0 nodad
link set cni0 up
address add 192.168.126.1/30 dev istioin
address add fd00:126::1/126 dev istioin nodad
link set istioin up
route add {ZTUNNEL} dev cni0 table {TABLE} proto {PROTOCOL}
"""

FILTER = """
table inet ambient {
    set pods4 { type ipv4_addr; }
    set pods6 { type ipv6_addr; }
    chain prerouting {
        type filter hook prerouting priority mangle; policy accept;
        ip saddr @pods4 meta mark set meta mark | 0x00000100
        limit rate 5/second
    }
}
table inet foreign {
    set pods4 { type ipv4_addr; elements = { 10.244.1.11 }; }
}
"""


CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _in_netns(path: str, work: Callable[[], T]) -> T:
    def enter_and_work() -> T:
        with open(path) as namespace:
            if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns to {path}")
        return work()

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(enter_and_work).result()


@dataclass
class Node:
    """A namespace of that name under /run/netns."""

    name: str

    @property
    def path(self) -> str:
        return f"/run/netns/{self.name}"

    def identity(self) -> tuple[int, int]:
        status = os.stat(self.path)
        return status.st_dev, status.st_ino

    def run(
        self, *args: str, stdin: str | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program in the namespace: started by a thread that enters it, so that no other
        program is needed to get there: starting one is slow in the VM."""
        return _in_netns(
            self.path,
            lambda: subprocess.run(
                args, input=stdin, text=True, capture_output=True, timeout=60, **options
            ),
        )

    def must(self, *args: str, stdin: str | None = None) -> str:
        done = self.run(*args, stdin=stdin)
        assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        return done.stdout

    def set_up(self) -> None:
        self.must("ip", "-batch", "-", stdin=LINKS)
        self.must("nft", "-f", "-", stdin=FILTER)

    def elements(self, name: str = "pods4", table: str = "ambient") -> dict[str, str]:
        """Address -> comment."""
        listing = json.loads(self.must("nft", "-j", "list", "set", "inet", table, name))
        found = next(entry["set"] for entry in listing["nftables"] if "set" in entry).get(
            "elem", []
        )
        objects = [entry["elem"] if isinstance(entry, dict) else {"val": entry} for entry in found]
        return {element["val"]: element.get("comment", "") for element in objects}

    def routes(self) -> list[str]:
        """Table 100 of both families, one line a route."""
        lines = self.must("ip", "-4", "route", "show", "table", "all").splitlines()
        lines += self.must("ip", "-6", "route", "show", "table", "all").splitlines()
        ours = f" table {TABLE} "
        return sorted(line.replace(ours, " ").strip() for line in lines if ours in line)

    def add_element(self, address: str, comment: str, name: str = "pods4") -> None:
        self.must(
            "nft", "add", "element", "inet", "ambient", name, f'{{ {address} comment "{comment}" }}'
        )

    def add_route(self, address: str, via: str = TUNNEL_END, protocol: int = PROTOCOL) -> None:
        self.must(
            "ip",
            "route",
            "add",
            address,
            "via",
            via,
            "dev",
            "istioin",
            "src",
            HOST_IP,
            "table",
            str(TABLE),
            "proto",
            str(protocol),
        )

    def state(self) -> str:
        """Everything that a test may change, as text to compare. Without IPv6's local routes and
        address flags: the kernel settles those a moment after an address is added."""
        both = "rule show\nroute show table all\n"
        routing = self.must("ip", "-4", "-batch", "-", stdin=both)
        routing += self.must("ip", "-6", "-batch", "-", stdin=both)
        return "\n".join(
            (
                self.must("nft", "--stateless", "list", "ruleset"),
                *(line for line in routing.splitlines() if " table local " not in line),
                self.must("ip", "-brief", "-batch", "-", stdin="link show\naddress show\n"),
            )
        )


def new_netns(name: str) -> Node:
    subprocess.run(["ip", "netns", "add", name], check=True)
    return Node(name)


def delete_netns(node: Node) -> None:
    if os.path.exists(node.path):
        subprocess.run(["ip", "netns", "delete", node.name], check=True)
