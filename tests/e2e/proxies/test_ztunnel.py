"""The ztunnel stand-in: whom it shows, where it goes, and that it carries every byte."""

import asyncio
import contextlib
import json
import pathlib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.cluster.traffic import Connection, exchange
from support.proxies import tls
from support.proxies.certs import spiffe_id
from support.proxies.hbone import HboneSession, TunnelRefused
from testbed import (ADDRESSES, APP_PORT, DNS_ANSWER, HALF_PORT, SERVICE_A, SERVICE_B,
                             SERVICE_PORT, XDS_PORT, check_half_close, ipv6)

POD_A, POD_B, OUTSIDE = ADDRESSES["pod-a"], ADDRESSES["pod-b"], ADDRESSES["net"]


def record_of(ztunnel, listener: int, seen) -> dict:
    """The record of the connection that the client saw."""
    return ztunnel.wait_record(listener=listener, src="{}:{}".format(*seen.client))


def host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0]


def test_hbone_between_nodes_keeps_source_and_destination(network, ztunnels, apps):
    seen = exchange(network.netns["pod-a"], (SERVICE_B, SERVICE_PORT))
    assert seen.server_peer[0] == POD_A
    assert seen.server_local == (POD_B, APP_PORT)
    out = record_of(ztunnels["a"], 15001, seen)
    assert out["dst"] == f"{SERVICE_B}:{SERVICE_PORT}"
    assert out["hbone"] and out["identity"] == spiffe_id("default", "pod-a")
    assert out["upstream"] == f"{POD_B}:15008" and out["authority"] == f"{POD_B}:{APP_PORT}"
    into = ztunnels["b"].wait_record(listener=15008, src=out["upstream_src"])
    assert into["dst"] == f"{POD_B}:15008" and into["authority"] == f"{POD_B}:{APP_PORT}"
    assert into["identity"] == spiffe_id("default", "pod-a")
    assert host(into["upstream_src"]) == POD_A


def test_direct_to_a_pod_of_the_same_node_without_hbone(network, ztunnels, apps):
    # pod-a's own service: same node, and the source may not be the pod's own address then.
    seen = exchange(network.netns["pod-a"], (SERVICE_A, SERVICE_PORT))
    assert seen.server_peer[0] == ADDRESSES["zt-a"]
    out = record_of(ztunnels["a"], 15001, seen)
    assert not out["hbone"] and out["upstream"] == f"{POD_A}:{APP_PORT}"


def test_plain_to_an_address_outside_the_mesh(network, ztunnels, apps):
    seen = exchange(network.netns["pod-a"], (OUTSIDE, APP_PORT))
    assert seen.server_peer[0] == POD_A
    out = record_of(ztunnels["a"], 15001, seen)
    assert not out["hbone"] and out["upstream"] == out["dst"] == f"{OUTSIDE}:{APP_PORT}"


def test_plaintext_inbound_keeps_source(network, ztunnels, apps):
    seen = exchange(network.netns["net"], (POD_B, APP_PORT))
    assert seen.server_peer[0] == OUTSIDE
    into = record_of(ztunnels["b"], 15006, seen)
    assert into["dst"] == f"{POD_B}:{APP_PORT}" and into["identity"] is None


@pytest.mark.parametrize("first", ["client", "server"])
@pytest.mark.parametrize("address", [POD_B, ipv6("pod-b")], ids=["ipv4", "ipv6"])
def test_half_closed_connections_stay_usable(network, ztunnels, address, first):
    check_half_close(network, "pod-a", (address, HALF_PORT), first)


def test_a_refused_connection_is_reset_and_recorded(network, ztunnels):
    connect = network.netns["pod-a"].run(lambda: socket.create_connection((POD_B, 9), 20))
    with connect, pytest.raises(ConnectionResetError):
        connect.recv(1)
    failed = ztunnels["b"].wait_record(listener=15008, authority=f"{POD_B}:9")
    assert "ConnectionRefusedError" in failed["error"]
    assert "503" in ztunnels["a"].wait_record(listener=15001, dst=f"{POD_B}:9")["error"]


def test_hbone_refuses_an_authority_that_is_not_the_destination(network, ztunnels, certs):
    context = tls.context(certs.path, "default", "sidecar", server=False)
    sock = network.netns["net"].run(lambda: socket.create_connection((POD_B, 15008), 20))

    authority = f"{OUTSIDE}:{APP_PORT}"

    async def connect() -> None:
        session = HboneSession(*await tls.connect(sock, context, spiffe_id("default", "pod-b")),
                               client=True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session.run())
            with contextlib.closing(session), pytest.raises(TunnelRefused, match="400"):
                await session.connect(authority)
    asyncio.run(connect())
    assert ztunnels["b"].wait_record(listener=15008, authority=authority)["upstream"] is None


def test_hbone_demands_a_certificate(network, ztunnels):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = network.netns["net"].run(lambda: socket.create_connection((POD_B, 15008), 20))
    with context.wrap_socket(plain) as secured:
        source = "{}:{}".format(*secured.getsockname())
        failed = ztunnels["b"].wait_record(listener=15008, src=source)
        assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in failed["error"]


def test_dns_answers_with_the_fixed_address(network, ztunnels):
    def ask() -> bytes:
        # One question for the IPv4 address of "echo.default" (RFC 1035, 4.1).
        query = bytes.fromhex("abcd01000001000000000000") + b"\x04echo\x07default\x00\0\1\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(20)
            sock.sendto(query, (ADDRESSES["zt-a"], 15053))
            return sock.recv(512)
    reply = network.netns["zt-a"].run(ask)
    assert reply[:2] == b"\xab\xcd" and reply.endswith(socket.inet_aton(DNS_ANSWER))
    assert ztunnels["a"].wait_record(listener=15053)["authority"] == "echo.default"


def test_own_connection_shows_the_ztunnels_own_address(network, ztunnels):
    address = OUTSIDE, XDS_PORT

    def echo(listener: socket.socket) -> str:
        connection, peer = listener.accept()
        with connection, connection.makefile("rb") as stream:
            connection.sendall(stream.read())
        return peer[0]

    listener = network.netns["net"].run(lambda: socket.create_server(address))
    with listener, ThreadPoolExecutor() as pool:
        listener.settimeout(20)
        peer = pool.submit(echo, listener)
        record = ztunnels["a"].connect_xds()
        assert record["error"] is None and record["received"] == record["sent"] == 400_000
        assert peer.result() == ADDRESSES["zt-a"]


def test_workloads_file_is_read_again_when_it_changes(network, ztunnels, apps, table):
    service = {"address": "10.96.0.9", "port": 80, "endpoints": [f"{POD_B}:{APP_PORT}"]}
    before = table.read_text()
    document = json.loads(before)
    document["services"].append(service)
    replace(table, json.dumps(document))
    try:
        seen = exchange(network.netns["pod-a"], (service["address"], service["port"]))
        assert seen.server_local == (POD_B, APP_PORT)
    finally:
        replace(table, before)


@pytest.mark.parametrize("port", [15001, 15006, 15008])
def test_a_connection_to_the_listener_itself_ends(network, ztunnels, port):
    def connect() -> bytes:
        with socket.create_connection(("127.0.0.1", port), 20) as direct:
            return direct.recv(1)
    with contextlib.suppress(ConnectionResetError):  # may come before connect() has returned
        assert network.netns["zt-a"].run(connect) == b""


def test_stop_ends_open_connections_and_a_new_process_takes_over(network, ztunnels, apps,
                                                                 start_on):
    with Connection(network.netns["pod-a"], (SERVICE_B, SERVICE_PORT)) as connection:
        connection.round()
        ztunnels["a"].stop()
        with pytest.raises(ConnectionError):
            connection.round()
    ztunnels["a"] = start_on("a")
    assert exchange(network.netns["pod-a"], (SERVICE_B, SERVICE_PORT)).server_peer[0] == POD_A


def replace(path: pathlib.Path, text: str) -> None:
    """At once, so that nobody reads half a file."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)
