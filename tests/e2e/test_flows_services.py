"""Flows by service address, with kube-proxy in each of its modes: F4c, F5c, F6c, F6g, F7, F8, F10,
F11."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.cluster.cluster import Cluster
from support.cluster.datagrams import udp_exchange
from support.cluster.dns_message import address_in, query
from support.cluster.hops import assert_hops, assert_not_captured
from support.cluster.kubeproxy import MODES
from support.cluster.mesh import DNS_ANSWER, HBONE_PORT
from support.cluster.model import (
    APP_PORT,
    EXTERNAL_ADDRESS,
    HOST_PORT,
    NODE_PORT,
    NODES,
    PODS,
    SERVICES,
    UNDERLAY,
    UNDERLAY_ADDRESS,
)

SLEEP, SERVER, HTTPBIN = PODS["sleep"], PODS["server"], PODS["httpbin"]
PLAIN_A, PLAIN_B = PODS["plain-a"], PODS["plain-b"]
A, B = NODES["a"], NODES["b"]


@pytest.fixture(scope="module", params=MODES, autouse=True)
def kube_proxy(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[None]:
    with cluster.kube_proxy(request.param):
        yield


def test_f7_ambient_to_service(cluster: Cluster) -> None:
    address, port = SERVICES["server"].frontend
    with cluster.capture("sleep", A.netns, "zt-a", B.netns, "zt-b", "server") as capture:
        seen = cluster.exchange("sleep", (address, port))
    paths, source = cluster.paths, SLEEP.address
    assert_hops(
        capture,
        [
            *paths.to_ztunnel(SLEEP, address, port),
            *paths.from_ztunnel(A, source, SERVER.address, HBONE_PORT),
            *paths.wire(A, B, source, SERVER.address, HBONE_PORT),
            *paths.into_ambient(source, SERVER, HBONE_PORT),
        ],
    )
    cluster.record("zt-a", seen.client, listener=15001, dst=f"{address}:{port}")
    assert seen.server_peer[0] == source


def test_f4c_service_backed_by_the_pod_itself(cluster: Cluster) -> None:
    address, port = SERVICES["sleep"].frontend
    with cluster.capture("sleep", A.netns, "zt-a") as capture:
        seen = cluster.exchange("sleep", (address, port))
    ztunnel = PODS["zt-a"].address
    assert_hops(
        capture,
        [
            *cluster.paths.to_ztunnel(SLEEP, address, port),
            *cluster.paths.from_ztunnel(A, ztunnel, SLEEP.address, APP_PORT),
            *cluster.paths.arrive(SLEEP, ztunnel, APP_PORT),
        ],
    )
    cluster.record("zt-a", seen.client, listener=15001, dst=f"{address}:{port}")


def test_f4c_service_backed_by_the_pod_itself_by_a_tunnel(cluster: Cluster) -> None:
    """As ztunnel does from 1.22 on: it opens the tunnel in its own name."""
    address, port = SERVICES["sleep"].frontend
    with (
        cluster.mesh.without_fast_path(),
        cluster.capture("sleep", A.netns, "zt-a") as capture,
    ):
        seen = cluster.exchange("sleep", (address, port))
    ztunnel, paths = PODS["zt-a"].address, cluster.paths
    assert_hops(
        capture,
        [
            *paths.to_ztunnel(SLEEP, address, port),
            *paths.from_ztunnel(A, ztunnel, SLEEP.address, HBONE_PORT),
            *paths.delivered(A, SLEEP.address, SLEEP.address, HBONE_PORT),
            *paths.from_ztunnel(A, ztunnel, SLEEP.address, APP_PORT),
            *paths.arrive(SLEEP, ztunnel, APP_PORT),
        ],
    )
    cluster.record("zt-a", seen.client, listener=15001, hbone=True)
    own = f"{SLEEP.address}:{HBONE_PORT}"
    assert cluster.mesh.proxies["zt-a"].wait_record(listener=15008, dst=own)["error"] is None


def test_f5c_plain_to_service_of_ambient(cluster: Cluster) -> None:
    address, port = SERVICES["httpbin"].frontend
    with cluster.capture("plain-b", B.netns, A.netns, "zt-a", "httpbin") as capture:
        seen = cluster.exchange("plain-b", (address, port))
    paths, source = cluster.paths, PLAIN_B.address
    assert_hops(
        capture,
        [
            *paths.leave(PLAIN_B, address, port),
            *paths.wire(B, A, source, HTTPBIN.address, APP_PORT),
            *paths.into_ambient(source, HTTPBIN, APP_PORT),
        ],
    )
    cluster.record("zt-a", seen.client, listener=15006)
    assert seen.server_peer[0] == source


def test_f6c_host_to_service_of_local_ambient(cluster: Cluster) -> None:
    with cluster.capture(A.netns, "zt-a", "httpbin") as capture:
        seen = cluster.exchange(A.netns, SERVICES["httpbin"].frontend)
    source = cluster.host_ip(A)
    assert_hops(capture, cluster.paths.arrive(HTTPBIN, source, APP_PORT))
    assert_not_captured(capture)
    assert seen.server_peer[0] == source  # kube-proxy's masquerade, towards the veth


def test_f6g_ambient_to_service_of_host_process(cluster: Cluster) -> None:
    """The service address is not the node's own, so it is captured; ztunnel connects to the host
    process."""
    address, port = SERVICES["kubernetes"].frontend
    with cluster.capture("sleep", A.netns, "zt-a") as capture:
        seen = cluster.exchange("sleep", (address, port))
    assert_hops(
        capture,
        [
            *cluster.paths.to_ztunnel(SLEEP, address, port),
            *cluster.paths.from_ztunnel(A, SLEEP.address, A.address, HOST_PORT),
        ],
    )
    assert capture.count(A.netns, "istioin") == 0
    cluster.record("zt-a", seen.client, listener=15001, dst=f"{address}:{port}")
    assert seen.server_peer[0] == SLEEP.address


def test_f8a_dns_of_ambient_is_captured(cluster: Cluster) -> None:
    answer = udp_exchange(
        cluster.netns["sleep"], SERVICES["dns"].frontend, query("httpbin.mesh.svc")
    )
    assert address_in(answer) == DNS_ANSWER
    cluster.mesh.proxies["zt-a"].wait_record(listener=15053, authority="httpbin.mesh.svc")


def test_f8b_dns_of_plain_is_not(cluster: Cluster) -> None:
    asked = query("plain.example")
    with cluster.capture(A.netns) as capture:
        answer = udp_exchange(cluster.netns["plain-a"], SERVICES["dns"].frontend, asked)
    assert answer == asked  # the cluster's DNS server here is an echo
    assert capture.count(A.netns, "eth0", out=True, dst=PLAIN_B.address) == 1


def test_f10_ambient_to_outside_the_cluster(cluster: Cluster) -> None:
    with cluster.capture("sleep", A.netns, "zt-a", UNDERLAY) as capture:
        seen = cluster.exchange("sleep", (EXTERNAL_ADDRESS, 80))
    assert_hops(
        capture,
        [
            *cluster.paths.to_ztunnel(SLEEP, EXTERNAL_ADDRESS, 80),
            *cluster.paths.from_ztunnel(A, SLEEP.address, EXTERNAL_ADDRESS, 80),
        ],
    )
    cluster.record("zt-a", seen.client, listener=15001, dst=f"{EXTERNAL_ADDRESS}:80")
    assert seen.server_peer[0] == A.address


@pytest.mark.parametrize(
    ("entry", "source"),
    [(A, UNDERLAY_ADDRESS), (B, B.address)],
    ids=["f11a_own_node", "f11b_other_node"],
)
def test_node_port(cluster: Cluster, entry, source: str) -> None:
    with cluster.capture(A.netns, "zt-a", "httpbin") as capture:
        seen = cluster.exchange(UNDERLAY, (entry.address, NODE_PORT))
    assert_hops(capture, cluster.paths.into_ambient(source, HTTPBIN, APP_PORT))
    cluster.mesh.proxies["zt-a"].wait_record(
        listener=15006, upstream_src=f"{source}:{seen.server_peer[1]}"
    )
    assert seen.server_peer[0] == source
