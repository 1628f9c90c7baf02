"""From Istio's rules to ours in a pod that runs, with a real Envoy: docs/sidecar.md, "Coming from Istio's plugin"."""

from __future__ import annotations

import contextlib
from pathlib import Path

from sidecar_network import NEAR, POD, V4, Neighbours
from sidecar_pods import Pods, SidecarPod

from support.cluster.traffic import AppServer, Connection, exchange
from support.proxies.certs import CertificateFolder
from support.proxies.envoy import sidecar
from support.proxies.process import Proxy, start_envoy

APP, FAR_APP = 8081, 8082
_TO_ITSELF = "-o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008"

# What Istio's plugin writes for a pod without annotations (tools/istio-iptables/pkg/capture/run.go).
ISTIOS = f"""*nat
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15020 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15021 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15090 -j RETURN
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
-A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
-A ISTIO_OUTPUT {_TO_ITSELF} -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
-A ISTIO_OUTPUT -j ISTIO_REDIRECT
COMMIT
"""


class Running:
    """The pod before we come: Istio's rules, its proxy, and one connection each way."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._certs = CertificateFolder(folder)
        self._certs.issue("shop", "sleep")
        self.lasting: list[Connection] = []

    def start(self, net: Neighbours) -> None:
        self._net = net
        net.pod.command("iptables-nft-restore", stdin=ISTIOS)
        self._proxy: Proxy = start_envoy(
            net.pod.path, sidecar(self._certs, "shop", "sleep", [])
        )
        self._stack.callback(self._proxy.stop)
        for server in (AppServer(net.pod, APP), AppServer(net.outside, FAR_APP)):
            self._stack.callback(server.close)
        self._ways = ((net.outside, (POD[V4], APP)), (net.pod, (NEAR[V4], FAR_APP)))
        self.lasting = [
            self._stack.enter_context(Connection(netns, address)) for netns, address in self._ways
        ]
        self.works()

    def works(self) -> None:
        """The old connections still move data; a new one each way is the proxy's, once."""
        for connection in self.lasting:
            connection.round()
        for netns, address in self._ways:
            client = exchange(netns, address).client
            listener = "inbound" if netns is self._net.outside else "outbound"
            taken = self._proxy.wait_record(listener=listener, src=f"{client[0]}:{client[1]}")
            assert taken["dst"] == f"{address[0]}:{address[1]}"


def test_ours_beside_istios_and_then_alone(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        pod = SidecarPod("default")
        (tmp_path / "agent").mkdir()
        pods = Pods(tmp_path / "agent", [pod])
        stack.callback(pods.close)
        running = Running(tmp_path / "certs", stack)
        net = pods.attach(pod, POD[V4], running.start, envoy=True)
        assert "ambient-sidecar" in net.pod.command("nft", "list", "tables")
        running.works()
        net.pod.nft("delete table ip nat")
        running.works()
