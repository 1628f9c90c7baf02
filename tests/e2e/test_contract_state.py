"""CONTRACT's U rows about sysctls, closed ztunnels and what is left alone."""

from __future__ import annotations

import pytest

from support.cluster.cluster import Cluster
from support.cluster.model import APP_PORT, EXTERNAL_ADDRESS, NODES, PODS
from support.cluster.topology import STRICT_REVERSE_PATH
from support.cluster.traffic import exchange
from support.kernel_view import LOOSE_REVERSE_PATH, delete_rule, links, reverse_path

A = NODES["a"]
SERVER = PODS["server"]
SHORT = 2.0


def test_u7_reverse_path_is_loosened_only_on_our_devices(cluster: Cluster) -> None:
    netns = cluster.netns[A.netns]
    ours = {"istioin", "istioout", cluster.veths["zt-a"]}
    values = {device: reverse_path(netns, device) for device in (*links(netns), "all", "default")}
    assert {device for device, value in values.items() if value == LOOSE_REVERSE_PATH} == ours
    assert values["all"] == values["default"] == STRICT_REVERSE_PATH
    for device in ("pistioin", "pistioout"):
        assert reverse_path(cluster.netns["zt-a"], device) == LOOSE_REVERSE_PATH


def test_u7_strict_filtering_would_break_the_flow(cluster: Cluster) -> None:
    netns, veth = cluster.netns[A.netns], cluster.veths["zt-a"]
    with cluster.datapath.frozen(cluster, A):
        netns.sysctl(f"ipv4/conf/{veth}/rp_filter", STRICT_REVERSE_PATH)
        with pytest.raises(OSError):
            exchange(cluster.netns["sleep"], (SERVER.address, APP_PORT), timeout=SHORT)
        netns.sysctl(f"ipv4/conf/{veth}/rp_filter", LOOSE_REVERSE_PATH)
    cluster.exchange("sleep", (SERVER.address, APP_PORT))


def test_u8_accept_local_is_not_set(cluster: Cluster) -> None:
    for name in (A.netns, "zt-a"):
        netns = cluster.netns[name]
        accepting = [
            d
            for d in ("all", "default", *links(netns))
            if netns.sysctl(f"ipv4/conf/{d}/accept_local") != "0"
        ]
        assert accepting == [], name


def test_u12_nothing_passes_a_ztunnel_without_listener(cluster: Cluster) -> None:
    """With forwarding on in its namespace, what tproxy does not take would leave by eth0 in plain
    text."""
    ztunnel = cluster.netns["zt-a"]
    cluster.mesh.proxies["zt-a"].stop()
    ztunnel.sysctl("ipv4/ip_forward", 1)
    try:
        with cluster.capture("zt-a") as capture:
            with pytest.raises(OSError):
                exchange(cluster.netns["sleep"], (EXTERNAL_ADDRESS, 80), timeout=SHORT)
        assert capture.count("zt-a", "pistioout", out=False, is_syn=True) >= 1
        assert capture.count("zt-a", "eth0", out=True, dst=EXTERNAL_ADDRESS) == 0
        with cluster.datapath.frozen(cluster, A):
            delete_rule(ztunnel, "drop", chain="to_outbound")
            with cluster.capture("zt-a") as capture:
                with pytest.raises(OSError):
                    exchange(cluster.netns["sleep"], (EXTERNAL_ADDRESS, 80), timeout=SHORT)
            assert capture.count("zt-a", "eth0", out=True, dst=EXTERNAL_ADDRESS) >= 1
    finally:
        ztunnel.sysctl("ipv4/ip_forward", 0)
        cluster.mesh.proxies["zt-a"] = cluster.mesh.start_ztunnel(PODS["zt-a"])
