"""Fixtures of the proxies' own tests; testbed.py says what the network is like."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.cluster.traffic import AppServer
from support.proxies.certs import CertificateFolder
from support.proxies.process import Ztunnel, start_ztunnel
from testbed import ADDRESSES, APP_PORT, DNS_ANSWER, XDS_PORT, Network, workloads


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> CertificateFolder:
    folder = CertificateFolder(tmp_path_factory.mktemp("certs"))
    for name in ("pod-a", "pod-b", "sidecar", "waypoint"):
        folder.issue("default", name)
    return folder


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    made = Network()
    yield made
    made.close()


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workloads file of both stand-ins."""
    path = tmp_path_factory.mktemp("mesh") / "workloads.json"
    path.write_text(json.dumps(workloads()))
    return path


@pytest.fixture(scope="session")
def start_on(network: Network, certs: CertificateFolder,
             table: Path) -> Callable[[str], Ztunnel]:
    """Starts the stand-in of node "a" or "b"."""
    def start(node: str) -> Ztunnel:
        return start_ztunnel(
            network.netns[f"zt-{node}"].path, ADDRESSES[f"zt-{node}"], node, certs.path, table,
            dns_answer=DNS_ANSWER, xds=f"{ADDRESSES['net']}:{XDS_PORT}")
    return start


@pytest.fixture(scope="session")
def ztunnels(start_on: Callable[[str], Ztunnel]) -> Iterator[dict[str, Ztunnel]]:
    """The stand-ins of both pods."""
    started: dict[str, Ztunnel] = {}
    with contextlib.ExitStack() as stack:
        for node in "ab":
            started[node] = start_on(node)
            stack.callback(lambda node=node: started[node].stop())  # a test may replace it
        yield started


@pytest.fixture(scope="session")
def apps(network: Network) -> Iterator[dict[str, AppServer]]:
    """The application of each pod, and one in the router, outside the mesh."""
    servers = {name: AppServer(network.netns[name], APP_PORT)
               for name in ("pod-a", "pod-b", "sidecar", "net")}
    yield servers
    for server in servers.values():
        server.close()
