"""CONTRACT's U rows that are rules of the filter: each flow works, and does not once the row's rule
is taken out.

Nobody repairs the kernel while a rule is out; the second half of each test is what shows that the
first half can fail.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from support.cluster.cluster import Cluster
from support.cluster.datagrams import ping
from support.cluster.hops import assert_not_captured
from support.cluster.kubeproxy import MODES
from support.cluster.model import APP_PORT, NODE_PORT, NODES, PODS, SERVICES, UNDERLAY, UNDERLAY_ADDRESS
from support.cluster.traffic import exchange
from support.kernel_view import FILTER_TABLE, delete_rule, find_rule

HTTPBIN, SLEEP, SERVER = PODS["httpbin"], PODS["sleep"], PODS["server"]
A = NODES["a"]
SHORT = 2.0  # long enough for a connection that works, here


@contextlib.contextmanager
def taken_out(cluster: Cluster, *parts: str, chain: str | None = None) -> Iterator[None]:
    """The one rule of node a's table with these parts is missing while the context lasts."""
    with cluster.datapath.frozen(cluster, A):
        delete_rule(cluster.netns[A.netns], *parts, chain=chain)
        yield


def assert_fails(
    cluster: Cluster, client: str, destination: tuple[str, int], source: str | None = None
) -> None:
    with pytest.raises(OSError):
        exchange(cluster.netns[client], destination, source, timeout=SHORT)


@pytest.mark.parametrize("mode", MODES)
def test_u1_nothing_is_source_translated_towards_ztunnel(cluster: Cluster, mode: str) -> None:
    entry = (A.address, NODE_PORT)
    with cluster.kube_proxy(mode):
        assert cluster.exchange(UNDERLAY, entry).server_peer[0] == UNDERLAY_ADDRESS
        with taken_out(cluster, "istioin", "snat ip to ip saddr"):
            assert_fails(cluster, UNDERLAY, entry)


def test_u2_host_reaches_its_pods_from_every_address(cluster: Cluster) -> None:
    target = (HTTPBIN.address, APP_PORT)
    with cluster.capture(A.netns, "zt-a") as capture:
        assert cluster.exchange(A.netns, target, A.other_address).server_peer[0] == A.other_address
    assert_not_captured(capture)
    with cluster.datapath.frozen(cluster, A):
        rule = "pref 99 lookup 100"  # as the reference has it: for packets of every mark
        cluster.netns[A.netns].ip(f"rule add {rule}")
        try:
            assert_fails(cluster, A.netns, target, A.other_address)
        finally:
            cluster.netns[A.netns].ip(f"rule del {rule}")


def test_u3_answers_of_host_processes_find_ztunnel(cluster: Cluster) -> None:
    service = SERVICES["kubernetes"].frontend
    assert cluster.exchange("sleep", service).server_peer[0] == SLEEP.address
    with taken_out(cluster, "ct mark", "0x00000040", chain="output"):
        assert_fails(cluster, "sleep", service)


def test_u4_only_tcp_is_captured(cluster: Cluster) -> None:
    assert ping(cluster.netns["plain-b"], SLEEP.address)
    assert ping(cluster.netns["sleep"], PODS["plain-b"].address)
    with taken_out(cluster, "meta l4proto != tcp"):
        with pytest.raises(OSError):
            ping(cluster.netns["sleep"], PODS["plain-b"].address, timeout=SHORT)


FOREIGN_BIT = 0x10000


@contextlib.contextmanager
def foreign_mark(cluster: Cluster) -> Iterator[None]:
    """Another agent marks what the host sends before us, and counts behind us what still has its
    bit."""
    netns = cluster.netns[A.netns]
    netns.nft(f"""
table inet other {{
  counter kept {{ }}
  chain marking {{
    type route hook output priority -160
    meta mark set meta mark | {FOREIGN_BIT:#x}
  }}
  chain counting {{
    type filter hook postrouting priority -10
    ip daddr != {HTTPBIN.address} return
    tcp flags & (syn | ack) == syn meta mark & {FOREIGN_BIT:#x} != 0 counter name kept
  }}
}}
""")
    try:
        yield
    finally:
        netns.command("nft", "delete", "table", "inet", "other")


def kept_marks(cluster: Cluster) -> int:
    text = cluster.netns[A.netns].command("nft", "reset", "counter", "inet", "other", "kept")
    return int(text.split("packets ")[1].split()[0])


def test_u5_marks_of_others_survive(cluster: Cluster) -> None:
    netns, target = cluster.netns[A.netns], (HTTPBIN.address, APP_PORT)
    with foreign_mark(cluster):
        cluster.exchange(A.netns, target)
        assert kept_marks(cluster) == 1
        with cluster.datapath.frozen(cluster, A):
            rule = find_rule(netns, "ip daddr @pods4", "ct mark set", chain="output")
            where = ("inet", FILTER_TABLE, rule.chain, "handle", str(rule.handle))
            netns.command(
                "nft",
                "replace",
                "rule",
                *where,
                "ip daddr @pods4 meta mark set 0x200 ct mark set 0x220",
            )
            cluster.exchange(A.netns, target)
            assert kept_marks(cluster) == 0


@pytest.mark.parametrize("mode", MODES)
def test_u6_kube_proxy_leaves_captured_traffic_alone(cluster: Cluster, mode: str) -> None:
    service = SERVICES["server"].frontend
    address = f"{service[0]}:{service[1]}"
    with cluster.kube_proxy(mode):
        seen = cluster.exchange("sleep", service)
        assert cluster.record("zt-a", seen.client, listener=15001)["dst"] == address
        with taken_out(cluster, "dnat ip to ip daddr"):
            seen = cluster.exchange("sleep", service)
            endpoint = f"{SERVER.address}:{APP_PORT}"
            assert cluster.record("zt-a", seen.client, listener=15001)["dst"] == endpoint
