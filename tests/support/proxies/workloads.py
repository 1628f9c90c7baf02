"""What a ztunnel knows of the mesh, from a JSON file, and where it sends a connection.

The file's form is described in README.md. It is read again when it changes.
"""

import dataclasses
import itertools
import json
import pathlib

from .address import Endpoint
from .certs import spiffe_id

HBONE_PORT = 15008


@dataclasses.dataclass(frozen=True)
class Workload:
    address: str
    namespace: str
    service_account: str
    node: str
    protocol: str = "tcp"
    waypoint: str | None = None

    @property
    def identity(self) -> str:
        return spiffe_id(self.namespace, self.service_account)


@dataclasses.dataclass(frozen=True)
class Service:
    address: Endpoint
    endpoints: tuple[Endpoint, ...]
    waypoint: str | None = None


@dataclasses.dataclass(frozen=True)
class Hop:
    """Where to connect next; with an authority it is a CONNECT to a peer of that identity."""
    target: Endpoint
    authority: Endpoint | None = None
    identity: str | None = None


class Mesh:
    def __init__(self, path):
        self._path = pathlib.Path(path)
        self._stamp = None
        self._turn = itertools.count()
        self._workloads: dict[str, Workload] = {}
        self._services: dict[Endpoint, Service] = {}
        self._fast_path = True
        self.refresh()

    def refresh(self) -> None:
        """Reads the file if it is another one than last time."""
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._stamp:
            self._load(json.loads(self._path.read_text()))
            self._stamp = stamp

    def _load(self, document: dict) -> None:
        workloads = [Workload(**entry) for entry in document.get("workloads", [])]
        for workload in workloads:
            if workload.protocol not in ("hbone", "tcp"):
                raise ValueError(f"workload {workload.address}: protocol {workload.protocol!r}")
        services = [Service(Endpoint(entry["address"], entry["port"]),
                            tuple(map(Endpoint.parse, entry["endpoints"])), entry.get("waypoint"))
                    for entry in document.get("services", [])]
        self._workloads = {workload.address: workload for workload in workloads}
        self._services = {service.address: service for service in services}
        self._fast_path = document.get("fast_path", True)

    def workload(self, ip: str) -> Workload | None:
        return self._workloads.get(ip)

    def next_hop(self, destination: Endpoint, node: str) -> Hop:
        """The outbound decision of ztunnel for a connection captured on `node`."""
        service = self._services.get(destination)
        endpoint = destination
        if service:
            if service.waypoint:
                return self._tunnel(service.waypoint, destination)
            if not service.endpoints:
                raise LookupError(f"service {destination} has no endpoint")
            endpoint = service.endpoints[next(self._turn) % len(service.endpoints)]
        workload = self.workload(endpoint.ip)
        if workload and workload.waypoint:
            return self._tunnel(workload.waypoint, endpoint)
        # Up to 1.21 ztunnel hands the connection to a pod of its own node itself ("direct local").
        direct = self._fast_path and workload and workload.node == node
        if workload and workload.protocol == "hbone" and not direct:
            return self._tunnel(endpoint.ip, endpoint)
        return Hop(endpoint)

    def _tunnel(self, gateway: str, authority: Endpoint) -> Hop:
        workload = self.workload(gateway)
        if not workload:
            raise LookupError(f"no workload has the gateway's address {gateway}")
        return Hop(Endpoint(gateway, HBONE_PORT), authority, workload.identity)
