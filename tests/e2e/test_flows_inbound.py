"""F5a, F5b, F5d, F6: who is not in the mesh, and hosts, towards ambient pods; ambient pods towards
hosts."""

from __future__ import annotations

import pytest

from support.cluster.cluster import Cluster
from support.cluster.hops import assert_hops, assert_not_captured
from support.cluster.model import APP_PORT, HOST_PORT, NODES, PODS

HTTPBIN, SLEEP = PODS["httpbin"], PODS["sleep"]
PLAIN_A, PLAIN_B = PODS["plain-a"], PODS["plain-b"]
A, B = NODES["a"], NODES["b"]


@pytest.mark.parametrize("client", [PLAIN_B, PLAIN_A], ids=["f5a_other_node", "f5b_same_node"])
def test_plain_to_ambient(cluster: Cluster, client) -> None:
    with cluster.capture(client.name, A.netns, B.netns, "zt-a", "httpbin") as capture:
        seen = cluster.exchange(client.name, (HTTPBIN.address, APP_PORT))
    paths = cluster.paths
    assert_hops(
        capture,
        [
            *paths.leave(client, HTTPBIN.address, APP_PORT),
            *paths.wire(NODES[client.node], A, client.address, HTTPBIN.address, APP_PORT),
            *paths.into_ambient(client.address, HTTPBIN, APP_PORT),
        ],
    )
    cluster.record("zt-a", seen.client, listener=15006, dst=f"{HTTPBIN.address}:{APP_PORT}")
    assert seen.server_peer[0] == client.address


def test_f5d_plain_to_plain(cluster: Cluster) -> None:
    with cluster.capture("plain-a", A.netns, B.netns, "plain-b") as capture:
        seen = cluster.exchange("plain-a", (PLAIN_B.address, APP_PORT))
    assert_hops(capture, cluster.paths.untouched(PLAIN_A, PLAIN_B, APP_PORT))
    assert_not_captured(capture)
    assert seen.server_peer == seen.client


@pytest.mark.parametrize(
    "source",
    [A.host_ip, A.address, A.other_address],
    ids=["f6a_host_ip", "f6a_node_address", "f6d_other_address"],
)
def test_probe_from_the_pods_own_node(cluster: Cluster, source: str) -> None:
    with cluster.capture(A.netns, "zt-a", "httpbin") as capture:
        seen = cluster.exchange(A.netns, (HTTPBIN.address, APP_PORT), source)
    assert_hops(capture, cluster.paths.arrive(HTTPBIN, source, APP_PORT))
    assert_not_captured(capture)
    assert seen.server_peer == seen.client


def test_f6b_host_of_another_node_is_captured(cluster: Cluster) -> None:
    with cluster.capture(B.netns, A.netns, "zt-a", "httpbin") as capture:
        seen = cluster.exchange(B.netns, (HTTPBIN.address, APP_PORT))
    paths = cluster.paths
    assert_hops(
        capture,
        [
            *paths.wire(B, A, B.address, HTTPBIN.address, APP_PORT),
            *paths.into_ambient(B.address, HTTPBIN, APP_PORT),
        ],
    )
    cluster.record("zt-a", seen.client, listener=15006)
    assert seen.server_peer[0] == B.address


@pytest.mark.parametrize("address", [A.address, A.host_ip], ids=["f6e_host_process", "f6f_host_ip"])
def test_ambient_pod_to_its_host(cluster: Cluster, address: str) -> None:
    with cluster.capture("sleep", A.netns, "zt-a") as capture:
        seen = cluster.exchange("sleep", (address, HOST_PORT))
    assert_hops(capture, cluster.paths.leave(SLEEP, address, HOST_PORT))
    assert_not_captured(capture)
    assert seen.server_peer == seen.client
