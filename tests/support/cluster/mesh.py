"""The proxies of the cluster: a ztunnel stand-in on each node, Envoy as sidecars and waypoint, and
what they know."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from support.cluster.model import APP_PORT, NODES, PODS, SERVICES, Pod
from support.netns import Netns
from support.proxies.certs import CertificateFolder, spiffe_id
from support.proxies.envoy import Route, sidecar, waypoint
from support.proxies.process import start_envoy, start_ztunnel

HBONE_PORT = 15008
DNS_ANSWER = "192.0.2.53"
XDS_PORT = 15012


def _gateway(pod: Pod) -> dict[str, str]:
    return {
        "gateway": f"{pod.address}:{HBONE_PORT}",
        "gateway_identity": spiffe_id(pod.namespace, pod.name),
    }


def _service(name: str) -> str:
    return f"{SERVICES[name].address}:{SERVICES[name].port}"


def _endpoint(name: str) -> str:
    return "{}:{}".format(*SERVICES[name].endpoint)


def sidecar_routes() -> list[Route]:
    """What istiod would tell a sidecar: services to endpoints; HBONE where this test wants it."""
    plain = [
        Route(_service(name), upstream=_endpoint(name))
        for name in ("httpbin-sc", "httpbin", "server")
    ]
    return [
        *plain,
        Route(_service("server-hbone"), upstream=_endpoint("server"), **_gateway(PODS["server"])),
        Route(
            _service("helloworld"), upstream=_service("helloworld"), **_gateway(PODS["waypoint"])
        ),
    ]


def waypoint_routes() -> list[Route]:
    hello = PODS["helloworld"]
    return [Route(_service("helloworld"), upstream=_endpoint("helloworld"), **_gateway(hello))]


def workloads() -> dict[str, Any]:
    """What istiod would tell ztunnel."""
    services = []
    for name, service in SERVICES.items():
        entry: dict[str, Any] = {
            "address": service.address,
            "port": service.port,
            "endpoints": ["{}:{}".format(*service.endpoint)],
        }
        if name == "helloworld":
            entry["waypoint"] = PODS["waypoint"].address
        services.append(entry)
    return {
        "workloads": [
            {
                "address": pod.address,
                "namespace": pod.namespace,
                "service_account": pod.name,
                "node": pod.node,
                "protocol": "hbone" if pod.kind in ("ambient", "waypoint") else "tcp",
            }
            for pod in PODS.values()
        ],
        "services": services,
    }


class Mesh:
    """Starts and stops the proxies; `proxies` by pod name."""

    def __init__(self, folder: Path, netns: dict[str, Netns], pods: dict[str, Pod]) -> None:
        self._pods = pods
        self._netns = netns
        self.proxies: dict[str, Any] = {}
        self._certs = CertificateFolder(folder / "certs")
        for pod in PODS.values():
            self._certs.issue(pod.namespace, pod.name)
        self._workloads = folder / "workloads.json"
        self._tell(fast_path=True)

    @contextlib.contextmanager
    def without_fast_path(self) -> Iterator[None]:
        """While it lasts, ztunnels behave as from 1.22 on: pods of one node are tunnelled, too."""
        self._tell(fast_path=False)
        yield
        self._tell(fast_path=True)

    def _tell(self, fast_path: bool) -> None:
        new = self._workloads.with_suffix(".new")
        new.write_text(json.dumps(workloads() | {"fast_path": fast_path}))
        new.replace(self._workloads)

    def start(self) -> None:
        """Starts them side by side: each takes seconds under emulation. The pods must be attached:
        ADD has made the rules that lead to a sidecar."""
        with ThreadPoolExecutor() as pool:
            starting = {
                name: pool.submit(self._start_one, pod)
                for name, pod in self._pods.items()
                if pod.kind in ("ztunnel", "sidecar", "waypoint")
            }
            self.proxies = {name: future.result() for name, future in starting.items()}

    def _start_one(self, pod: Pod) -> Any:
        if pod.kind == "ztunnel":
            return self.start_ztunnel(pod)
        if pod.kind == "sidecar":
            bootstrap = sidecar(self._certs, pod.namespace, pod.name, sidecar_routes())
        else:
            bootstrap = waypoint(
                self._certs, pod.namespace, pod.name, waypoint_routes(), plain=APP_PORT
            )
        return start_envoy(netns=self._netns[pod.name].path, bootstrap=bootstrap)

    def start_ztunnel(self, pod: Pod) -> Any:
        return start_ztunnel(
            netns=self._netns[pod.name].path,
            address=pod.address,
            node=pod.node,
            certs=self._certs.path,
            workloads=self._workloads,
            dns_answer=DNS_ANSWER,
            xds=f"{NODES['b'].address}:{XDS_PORT}",
        )

    def stop(self) -> None:
        with contextlib.ExitStack() as stack:
            for proxy in self.proxies.values():
                stack.callback(proxy.stop)
