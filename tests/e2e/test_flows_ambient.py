"""F4, F12: between ambient pods, and what ztunnel itself connects to."""

from __future__ import annotations

from support.cluster.cluster import Cluster
from support.cluster.hops import assert_hops, assert_not_captured, measure
from support.cluster.mesh import HBONE_PORT, XDS_PORT
from support.cluster.model import APP_PORT, NODES, PODS
from support.proxies.certs import spiffe_id

SLEEP, SERVER, HTTPBIN = PODS["sleep"], PODS["server"], PODS["httpbin"]
A, B = NODES["a"], NODES["b"]


def test_f4a_same_node(cluster: Cluster) -> None:
    with cluster.capture("sleep", A.netns, "zt-a", "httpbin") as capture:
        seen = cluster.exchange("sleep", (HTTPBIN.address, APP_PORT))
    paths = cluster.paths
    assert_hops(
        capture,
        [
            *paths.to_ztunnel(SLEEP, HTTPBIN.address, APP_PORT),
            *paths.from_ztunnel(A, SLEEP.address, HTTPBIN.address, APP_PORT),
            *paths.arrive(HTTPBIN, SLEEP.address, APP_PORT),
        ],
    )
    assert not any(measure(capture, paths.delivered(A, SLEEP.address, HTTPBIN.address, APP_PORT)))
    cluster.record("zt-a", seen.client, listener=15001, dst=f"{HTTPBIN.address}:{APP_PORT}")
    assert seen.server_peer[0] == SLEEP.address


def test_f4a_same_node_by_a_tunnel(cluster: Cluster) -> None:
    """As ztunnel does from 1.22 on."""
    with (
        cluster.mesh.without_fast_path(),
        cluster.capture("sleep", A.netns, "zt-a", "httpbin") as capture,
    ):
        seen = cluster.exchange("sleep", (HTTPBIN.address, APP_PORT))
    paths, source = cluster.paths, SLEEP.address
    assert_hops(
        capture,
        [
            *paths.to_ztunnel(SLEEP, HTTPBIN.address, APP_PORT),
            *paths.from_ztunnel(A, source, HTTPBIN.address, HBONE_PORT),
            *paths.into_ambient(source, HTTPBIN, HBONE_PORT),
        ],
    )
    cluster.record("zt-a", seen.client, listener=15001, hbone=True)
    inbound = cluster.mesh.proxies["zt-a"].wait_record(listener=15008, dst=f"{HTTPBIN.address}:15008")
    assert inbound["authority"] == f"{HTTPBIN.address}:{APP_PORT}"
    assert inbound["identity"] == spiffe_id("mesh", "sleep")
    assert seen.server_peer[0] == source


def test_f4b_other_node(cluster: Cluster) -> None:
    with cluster.capture("sleep", A.netns, "zt-a", B.netns, "zt-b", "server") as capture:
        seen = cluster.exchange("sleep", (SERVER.address, APP_PORT))
    paths, source = cluster.paths, SLEEP.address
    assert_hops(
        capture,
        [
            *paths.to_ztunnel(SLEEP, SERVER.address, APP_PORT),
            *paths.from_ztunnel(A, source, SERVER.address, HBONE_PORT),
            *paths.wire(A, B, source, SERVER.address, HBONE_PORT),
            *paths.into_ambient(source, SERVER, HBONE_PORT),
        ],
    )
    identity = spiffe_id("mesh", "sleep")
    outbound = cluster.record("zt-a", seen.client, listener=15001, hbone=True, identity=identity)
    assert outbound["dst"] == f"{SERVER.address}:{APP_PORT}"
    inbound = cluster.mesh.proxies["zt-b"].wait_record(listener=15008, identity=identity)
    assert inbound["authority"] == f"{SERVER.address}:{APP_PORT}"
    assert seen.server_peer[0] == source


def test_f12_own_connection_of_ztunnel(cluster: Cluster) -> None:
    with cluster.capture(A.netns, "zt-a") as capture:
        record = cluster.mesh.proxies["zt-a"].connect_xds()
    assert record["error"] is None
    assert record["received"] == record["sent"]
    assert_hops(capture, cluster.paths.leave(PODS["zt-a"], B.address, XDS_PORT))
    assert_not_captured(capture)
