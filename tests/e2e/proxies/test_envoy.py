"""The real Envoys of the tests: a sidecar and a waypoint, with the ztunnel stand-in behind them."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

import pytest

from support.cluster.traffic import exchange
from support.proxies.certs import spiffe_id
from support.proxies.envoy import Route, sidecar, waypoint
from support.proxies.process import Proxy, start_envoy
from redirected import redirected
from testbed import (ADDRESSES, APP_PORT, HALF_PORT, SERVICE_BY_WAYPOINT, SERVICE_PORT,
                             check_half_close)

POD_A, POD_B, SIDECAR, WAYPOINT = (ADDRESSES[name]
                                   for name in ("pod-a", "pod-b", "sidecar", "waypoint"))
UPSTREAM_B = f"{POD_B}:{APP_PORT}"
PLAIN_SERVICE, HBONE_SERVICE, HALF_CLOSE_SERVICE = "10.96.1.1", "10.96.1.2", "10.96.1.5"
IMPOSTOR_SERVICE, UNROUTED_SERVICE = "10.96.1.3", "10.96.1.4"
PLAIN_PORT = 8081
TO_B = {"gateway": f"{POD_B}:15008", "gateway_identity": spiffe_id("default", "pod-b")}
TO_WAYPOINT = {"gateway": f"{WAYPOINT}:15008",
               "gateway_identity": spiffe_id("default", "waypoint")}


@pytest.fixture(scope="module")
def sidecar_proxy(network, certs, tmp_path_factory) -> Iterator[Proxy]:
    by_waypoint = [f"{SERVICE_BY_WAYPOINT}:{SERVICE_PORT}", f"{HALF_CLOSE_SERVICE}:80",
                   f"{UNROUTED_SERVICE}:80"]
    to_another = {**TO_B, "gateway_identity": spiffe_id("default", "someone")}
    routes = [Route(f"{PLAIN_SERVICE}:80", UPSTREAM_B),
              Route(f"{HBONE_SERVICE}:80", UPSTREAM_B, **TO_B),
              Route(f"{IMPOSTOR_SERVICE}:80", UPSTREAM_B, **to_another),
              *(Route(service, service, **TO_WAYPOINT) for service in by_waypoint)]
    pod = network.netns["sidecar"]
    with redirected(network.netns["net"], pod, SIDECAR, tmp_path_factory.mktemp("agent")):
        proxy = start_envoy(pod.path, sidecar(certs, "default", "sidecar", routes))
        yield proxy
        proxy.stop()


@pytest.fixture(scope="module")
def waypoint_proxy(network, certs) -> Iterator[Proxy]:
    routes = [Route(f"{SERVICE_BY_WAYPOINT}:{SERVICE_PORT}", UPSTREAM_B, **TO_B),
              Route(f"{HALF_CLOSE_SERVICE}:80", f"{POD_B}:{HALF_PORT}", **TO_B)]
    bootstrap = waypoint(certs, "default", "waypoint", routes, plain=PLAIN_PORT)
    proxy = start_envoy(network.netns["waypoint"].path, bootstrap)
    yield proxy
    proxy.stop()


def outbound_record(proxy: Proxy, seen) -> dict:
    return proxy.wait_record(listener="outbound", src="{}:{}".format(*seen.client))


def test_sidecar_plain_to_ambient(network, ztunnels, apps, sidecar_proxy):
    seen = exchange(network.netns["sidecar"], (PLAIN_SERVICE, 80))
    assert seen.server_peer[0] == SIDECAR
    out = outbound_record(sidecar_proxy, seen)
    assert out["dst"] == f"{PLAIN_SERVICE}:80" and out["upstream"] == UPSTREAM_B
    into = ztunnels["b"].wait_record(listener=15006, src=out["upstream_src"])
    assert into["dst"] == UPSTREAM_B


def test_sidecar_hbone_to_ambient(network, ztunnels, apps, sidecar_proxy):
    seen = exchange(network.netns["sidecar"], (HBONE_SERVICE, 80))
    assert seen.server_peer[0] == SIDECAR
    out = outbound_record(sidecar_proxy, seen)
    assert out["upstream"] == f"{POD_B}:15008" and out["authority"] == UPSTREAM_B
    into = ztunnels["b"].wait_record(listener=15008, authority=UPSTREAM_B,
                                     identity=spiffe_id("default", "sidecar"))
    assert into["dst"] == f"{POD_B}:15008" and into["src"].startswith(SIDECAR + ":")


def test_sidecar_inbound_to_the_application_over_loopback(network, ztunnels, apps, sidecar_proxy):
    seen = exchange(network.netns["pod-a"], (SIDECAR, APP_PORT))
    assert seen.server_peer[0] == "127.0.0.6" and seen.server_local == (SIDECAR, APP_PORT)
    left = ztunnels["a"].wait_record(listener=15001, src="{}:{}".format(*seen.client))
    into = sidecar_proxy.wait_record(listener="inbound", src=left["upstream_src"])
    assert into["dst"] == f"{SIDECAR}:{APP_PORT}" and into["src"].startswith(POD_A + ":")


def test_sidecar_passes_other_destinations_on(network, apps, sidecar_proxy):
    seen = exchange(network.netns["sidecar"], (ADDRESSES["net"], APP_PORT))
    assert seen.server_peer[0] == SIDECAR
    out = outbound_record(sidecar_proxy, seen)
    assert out["upstream"] == out["dst"] == f"{ADDRESSES['net']}:{APP_PORT}"


def test_sidecar_by_waypoint_to_ambient(network, ztunnels, apps, sidecar_proxy, waypoint_proxy):
    service = f"{SERVICE_BY_WAYPOINT}:{SERVICE_PORT}"
    seen = exchange(network.netns["sidecar"], (SERVICE_BY_WAYPOINT, SERVICE_PORT))
    assert seen.server_peer[0] == WAYPOINT
    out = outbound_record(sidecar_proxy, seen)
    assert out["upstream"] == f"{WAYPOINT}:15008" and out["authority"] == service
    between = waypoint_proxy.wait_record(listener="hbone", src=out["upstream_src"])
    assert between["identity"] == spiffe_id("default", "sidecar")
    assert between["authority"] == service and between["upstream"] == f"{POD_B}:15008"
    into = ztunnels["b"].wait_record(listener=15008, src=between["upstream_src"])
    assert into["identity"] == spiffe_id("default", "waypoint")
    assert into["authority"] == UPSTREAM_B


def test_ambient_by_waypoint_to_ambient(network, ztunnels, apps, waypoint_proxy):
    seen = exchange(network.netns["pod-a"], (SERVICE_BY_WAYPOINT, SERVICE_PORT))
    assert seen.server_peer[0] == WAYPOINT
    out = ztunnels["a"].wait_record(listener=15001, src="{}:{}".format(*seen.client))
    assert out["hbone"] and out["upstream"] == f"{WAYPOINT}:15008"
    between = waypoint_proxy.wait_record(listener="hbone", src=out["upstream_src"])
    assert between["identity"] == spiffe_id("default", "pod-a")
    assert between["upstream"] == f"{POD_B}:15008"


def test_plain_by_waypoint_to_ambient(network, ztunnels, apps, sidecar_proxy, waypoint_proxy):
    seen = exchange(network.netns["sidecar"], (WAYPOINT, PLAIN_PORT))
    assert seen.server_peer[0] == WAYPOINT
    out = outbound_record(sidecar_proxy, seen)
    between = waypoint_proxy.wait_record(listener="plain", src=out["upstream_src"])
    assert between["upstream"] == f"{POD_B}:15008" and between["authority"] == UPSTREAM_B


@pytest.mark.parametrize("service", [IMPOSTOR_SERVICE, UNROUTED_SERVICE],
                         ids=["gateway of another identity", "waypoint without this route"])
def test_no_way_means_no_connection(network, ztunnels, apps, sidecar_proxy, waypoint_proxy,
                                    service):
    with pytest.raises(ConnectionError):
        exchange(network.netns["sidecar"], (service, 80))


def test_waypoint_demands_a_certificate(network, waypoint_proxy):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = network.netns["net"].run(lambda: socket.create_connection((WAYPOINT, 15008), 20))
    # In TLS 1.3 the client learns only when it reads that the server did not take it.
    with context.wrap_socket(plain) as secured, \
            pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        secured.recv(1)


@pytest.mark.parametrize("first", ["client", "server"])
def test_half_closed_connections_stay_usable(network, ztunnels, sidecar_proxy, waypoint_proxy,
                                             first):
    check_half_close(network, "sidecar", (HALF_CLOSE_SERVICE, 80), first)


def test_every_tunnel_has_a_connection_of_its_own(network, ztunnels, apps, sidecar_proxy):
    sources = set()
    for _ in range(2):
        seen = exchange(network.netns["sidecar"], (HBONE_SERVICE, 80))
        sources.add(outbound_record(sidecar_proxy, seen)["upstream_src"])
    assert len(sources) == 2


def test_health_port(network, sidecar_proxy):
    def ask() -> int:
        connection = http.client.HTTPConnection(SIDECAR, 15021, timeout=20)
        connection.request("GET", "/healthz/ready")
        return connection.getresponse().status
    assert network.netns["net"].run(ask) == 200
