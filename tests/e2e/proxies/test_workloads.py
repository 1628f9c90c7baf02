"""Where the ztunnel stand-in sends a connection, without any socket."""

import json

import pytest

from support.proxies.address import Endpoint
from support.proxies.workloads import Hop, Mesh


def workload(address: str, node: str, **more) -> dict:
    return {"address": address, "namespace": "default", "service_account": "app", "node": node,
            **more}


IDENTITY = "spiffe://cluster.local/ns/default/sa/app"
DOCUMENT = {
    "workloads": [
        workload("10.0.1.1", "a", protocol="hbone"), workload("10.0.2.1", "b", protocol="hbone"),
        workload("10.0.2.2", "b", protocol="hbone", waypoint="10.0.3.1"),
        workload("10.0.2.3", "b"), workload("10.0.3.1", "c", protocol="hbone")],
    "services": [
        {"address": "10.96.0.1", "port": 80, "endpoints": ["10.0.1.1:8080", "10.0.2.1:8080"]},
        {"address": "10.96.0.2", "port": 80, "endpoints": [], "waypoint": "10.0.3.1"},
        {"address": "10.96.0.3", "port": 80, "endpoints": []}]}


def tunnel(gateway: str, authority: str) -> Hop:
    return Hop(Endpoint.parse(gateway), Endpoint.parse(authority), IDENTITY)


@pytest.fixture
def mesh(tmp_path) -> Mesh:
    path = tmp_path / "workloads.json"
    path.write_text(json.dumps(DOCUMENT))
    return Mesh(path)


@pytest.mark.parametrize("destination, hop", [
    ("10.0.2.1:8080", tunnel("10.0.2.1:15008", "10.0.2.1:8080")),
    ("10.0.1.1:8080", Hop(Endpoint("10.0.1.1", 8080))),
    ("10.0.2.3:8080", Hop(Endpoint("10.0.2.3", 8080))),
    ("192.0.2.9:443", Hop(Endpoint("192.0.2.9", 443))),
    ("10.0.2.2:8080", tunnel("10.0.3.1:15008", "10.0.2.2:8080")),
    ("10.96.0.2:80", tunnel("10.0.3.1:15008", "10.96.0.2:80")),
    ("10.96.0.1:81", Hop(Endpoint("10.96.0.1", 81))),
], ids=["other node", "same node", "sidecar", "unknown", "pod by waypoint", "service by waypoint",
        "other port of a service"])
def test_next_hop_from_node_a(mesh, destination, hop):
    assert mesh.next_hop(Endpoint.parse(destination), "a") == hop


def test_service_takes_its_endpoints_in_turn(mesh):
    hops = [mesh.next_hop(Endpoint("10.96.0.1", 80), "a") for _ in range(4)]
    direct, tunnelled = Hop(Endpoint("10.0.1.1", 8080)), tunnel("10.0.2.1:15008", "10.0.2.1:8080")
    assert hops == [direct, tunnelled, direct, tunnelled]


def test_service_without_endpoint_is_an_error(mesh):
    with pytest.raises(LookupError, match="10.96.0.3:80 has no endpoint"):
        mesh.next_hop(Endpoint("10.96.0.3", 80), "a")


def test_unknown_protocol_is_refused(tmp_path):
    path = tmp_path / "workloads.json"
    path.write_text(json.dumps({"workloads": [workload("10.0.0.1", "a", protocol="quic")]}))
    with pytest.raises(ValueError, match="quic"):
        Mesh(path)


@pytest.mark.parametrize("text", ["10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.256:1",
                                  "name:80", ":80", "10.0.0.1:-1", ""])
def test_malformed_endpoints_are_refused(text):
    with pytest.raises(ValueError):
        Endpoint.parse(text)


@pytest.mark.parametrize("text", ["10.0.0.1:80", "[fd00::1]:15008"])
def test_endpoints_print_as_they_are_read(text):
    assert str(Endpoint.parse(text)) == text
