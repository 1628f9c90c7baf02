"""Waiting for the kernel to change: a condition is looked at again when netlink reports an event,
never by sleeping."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable

from support.netns import Netns

NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
# RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV4_RULE (uapi/linux/rtnetlink.h).
ROUTE_GROUPS = 0x1 | 0x10 | 0x40 | 0x80
NFTABLES_GROUPS = 1 << (7 - 1)  # NFNLGRP_NFTABLES
RECEIVE_BUFFER = 4 << 20
SO_RCVBUFFORCE = 33


def _subscribe(protocol: int, groups: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    sock.bind((0, groups))
    sock.setblocking(False)
    return sock


class KernelEvents:
    """Subscribed to link, address, route, rule and nf_tables changes of one namespace from the
    moment it is made."""

    def __init__(self, netns: Netns) -> None:
        self._netns = netns

        def subscribe() -> list[socket.socket]:
            return [
                _subscribe(NETLINK_ROUTE, ROUTE_GROUPS),
                _subscribe(NETLINK_NETFILTER, NFTABLES_GROUPS),
            ]

        self._sockets = netns.run(subscribe)
        self.times: list[float] = []  # when each event so far was read

    def __enter__(self) -> KernelEvents:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in self._sockets:
            sock.close()

    def wait(self, timeout: float) -> bool:
        """Reads the next events; False when none came in time."""
        ready, _, _ = select.select(self._sockets, [], [], max(timeout, 0))
        for sock in ready:
            sock.recv(65536)
            self.times.append(time.monotonic())
        return bool(ready)

    def wait_count(self, count: int, timeout: float) -> bool:
        """Waits until that many events have been seen."""
        deadline = time.monotonic() + timeout
        while len(self.times) < count:
            if not self.wait(deadline - time.monotonic()):
                return False
        return True

    def wait_until(self, condition: Callable[[], bool], what: str, timeout: float = 60) -> None:
        """Returns once the condition holds; an AssertionError at the deadline."""
        deadline = time.monotonic() + timeout
        while not condition():
            if not self.wait(deadline - time.monotonic()):
                raise AssertionError(f"{self._netns.name}: not within {timeout} s: {what}")
            while self.wait(0):  # what is already there needs no look each
                pass
