"""F1 to F3: between ambient pods and pods with a sidecar, directly and through a waypoint (paths 1,
2 and 3)."""

from __future__ import annotations

from support.cluster.cluster import Cluster
from support.cluster.hops import Hop, assert_hops
from support.cluster.mesh import HBONE_PORT
from support.cluster.model import APP_PORT, NODES, PODS, SERVICES
from support.proxies.certs import spiffe_id

SLEEP, SLEEP_SC = PODS["sleep"], PODS["sleep-sc"]
HTTPBIN_SC, SERVER = PODS["httpbin-sc"], PODS["server"]
WAYPOINT, HELLOWORLD = PODS["waypoint"], PODS["helloworld"]
A, B, C, D = NODES.values()
TO_SIDECAR_APP = "127.0.0.6"  # the source with which a sidecar connects to its application


def test_f1_ambient_to_sidecar(cluster: Cluster) -> None:
    with cluster.capture("sleep", A.netns, "zt-a", B.netns, "httpbin-sc") as capture:
        seen = cluster.exchange("sleep", (HTTPBIN_SC.address, APP_PORT))
    paths, source = cluster.paths, SLEEP.address
    assert_hops(
        capture,
        [
            *paths.to_ztunnel(SLEEP, HTTPBIN_SC.address, APP_PORT),
            *paths.from_ztunnel(A, source, HTTPBIN_SC.address, APP_PORT),
            *paths.wire(A, B, source, HTTPBIN_SC.address, APP_PORT),
            *paths.arrive(HTTPBIN_SC, source, APP_PORT),
            Hop("httpbin-sc", "lo", True, TO_SIDECAR_APP, HTTPBIN_SC.address, APP_PORT),
        ],
    )
    outbound = cluster.record("zt-a", seen.client, listener=15001)
    assert outbound["dst"] == f"{HTTPBIN_SC.address}:{APP_PORT}"
    assert not outbound["hbone"]
    inbound = cluster.mesh.proxies["httpbin-sc"].wait_record(
        listener="inbound", src=outbound["upstream_src"]
    )
    assert inbound["src"].startswith(f"{source}:")
    assert inbound["dst"] == f"{HTTPBIN_SC.address}:{APP_PORT}"
    assert seen.server_peer[0] == TO_SIDECAR_APP


def test_f2a_sidecar_to_ambient_plaintext(cluster: Cluster) -> None:
    with cluster.capture("sleep-sc", A.netns, "zt-a", B.netns, "zt-b", "server") as capture:
        seen = cluster.exchange("sleep-sc", (SERVER.address, APP_PORT))
    paths, source = cluster.paths, SLEEP_SC.address
    assert_hops(
        capture,
        [
            *paths.leave(SLEEP_SC, SERVER.address, APP_PORT),
            *paths.wire(A, B, source, SERVER.address, APP_PORT),
            *paths.into_ambient(source, SERVER, APP_PORT),
        ],
    )
    assert capture.count(A.netns, "istioout") == 0
    sidecar = cluster.record("sleep-sc", seen.client, listener="outbound")
    inbound = cluster.mesh.proxies["zt-b"].wait_record(listener=15006, src=sidecar["upstream_src"])
    assert inbound["dst"] == f"{SERVER.address}:{APP_PORT}"
    assert seen.server_peer[0] == source


def test_f2b_sidecar_to_ambient_hbone(cluster: Cluster) -> None:
    with cluster.capture("sleep-sc", A.netns, B.netns, "zt-b", "server") as capture:
        seen = cluster.exchange("sleep-sc", SERVICES["server-hbone"].frontend)
    paths, source = cluster.paths, SLEEP_SC.address
    assert_hops(
        capture,
        [
            *paths.leave(SLEEP_SC, SERVER.address, HBONE_PORT),
            *paths.wire(A, B, source, SERVER.address, HBONE_PORT),
            *paths.into_ambient(source, SERVER, HBONE_PORT),
        ],
    )
    assert capture.count(A.netns, "istioout") == 0
    inbound = cluster.mesh.proxies["zt-b"].wait_record(
        listener=15008, identity=spiffe_id("mesh", "sleep-sc")
    )
    assert inbound["authority"] == f"{SERVER.address}:{APP_PORT}"
    assert seen.server_peer[0] == source


def _waypoint_to_helloworld(cluster: Cluster) -> list[Hop]:
    """From the waypoint by HBONE to the ambient pod: how each way through the waypoint ends."""
    paths, source = cluster.paths, WAYPOINT.address
    return [
        *paths.leave(WAYPOINT, HELLOWORLD.address, HBONE_PORT),
        *paths.wire(C, D, source, HELLOWORLD.address, HBONE_PORT),
        *paths.into_ambient(source, HELLOWORLD, HBONE_PORT),
    ]


def _assert_waypoint_left_alone(cluster: Cluster) -> None:
    assert (
        cluster.mesh.proxies["zt-c"].records()[1:] == []
    ), "the waypoint's node captured its traffic"


def test_f3a_sidecar_to_waypoint_in_plain(cluster: Cluster) -> None:
    with cluster.capture(
        "sleep-sc", A.netns, C.netns, "waypoint", D.netns, "zt-d", "helloworld"
    ) as capture:
        seen = cluster.exchange("sleep-sc", (WAYPOINT.address, APP_PORT))
    paths, source = cluster.paths, SLEEP_SC.address
    assert_hops(
        capture,
        [
            *paths.leave(SLEEP_SC, WAYPOINT.address, APP_PORT),
            *paths.wire(A, C, source, WAYPOINT.address, APP_PORT),
            *paths.arrive(WAYPOINT, source, APP_PORT),
            *_waypoint_to_helloworld(cluster),
        ],
    )
    cluster.mesh.proxies["zt-d"].wait_record(listener=15008, identity=spiffe_id("mesh", "waypoint"))
    assert seen.server_peer[0] == WAYPOINT.address
    _assert_waypoint_left_alone(cluster)


def test_f3b_sidecar_to_waypoint_by_hbone(cluster: Cluster) -> None:
    with cluster.capture(
        "sleep-sc", A.netns, C.netns, "waypoint", D.netns, "zt-d", "helloworld"
    ) as capture:
        seen = cluster.exchange("sleep-sc", SERVICES["helloworld"].frontend)
    paths, source = cluster.paths, SLEEP_SC.address
    assert_hops(
        capture,
        [
            *paths.leave(SLEEP_SC, WAYPOINT.address, HBONE_PORT),
            *paths.wire(A, C, source, WAYPOINT.address, HBONE_PORT),
            *paths.arrive(WAYPOINT, source, HBONE_PORT),
            *_waypoint_to_helloworld(cluster),
        ],
    )
    cluster.mesh.proxies["waypoint"].wait_record(
        listener="hbone", identity=spiffe_id("mesh", "sleep-sc")
    )
    assert seen.server_peer[0] == WAYPOINT.address
    _assert_waypoint_left_alone(cluster)


def test_f3c_ambient_to_waypoint(cluster: Cluster) -> None:
    with cluster.capture(
        "sleep", A.netns, "zt-a", C.netns, "waypoint", D.netns, "zt-d", "helloworld"
    ) as capture:
        seen = cluster.exchange("sleep", SERVICES["helloworld"].frontend)
    paths, source = cluster.paths, SLEEP.address
    service, port = SERVICES["helloworld"].frontend
    assert_hops(
        capture,
        [
            *paths.to_ztunnel(SLEEP, service, port),
            *paths.from_ztunnel(A, source, WAYPOINT.address, HBONE_PORT),
            *paths.wire(A, C, source, WAYPOINT.address, HBONE_PORT),
            *paths.arrive(WAYPOINT, source, HBONE_PORT),
            *_waypoint_to_helloworld(cluster),
        ],
    )
    cluster.record("zt-a", seen.client, listener=15001, hbone=True, dst=f"{service}:{port}")
    cluster.mesh.proxies["waypoint"].wait_record(
        listener="hbone", identity=spiffe_id("mesh", "sleep")
    )
    assert seen.server_peer[0] == WAYPOINT.address
    _assert_waypoint_left_alone(cluster)
