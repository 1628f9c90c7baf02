"""A real Envoy as the sidecar, behind the rules that ADD makes: both modes, both families, other users than
Istio's."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from callers import PROXY, ask
from sidecar_network import LO, NEAR, OUTSIDE, POD, V4, V6, Got, Neighbours
from sidecar_pods import Pods, SidecarPod

from support.cluster.dns_message import address_in, query
from support.proxies import dns
from support.proxies.address import Endpoint
from support.proxies.certs import CertificateFolder
from support.proxies.envoy import Route, sidecar
from support.proxies.process import Proxy, start_envoy

SERVICE = {V4: "10.96.0.9", V6: "fd00:96::9"}  # the pod's own
PASS_THROUGH = {V4: "127.0.0.6", V6: "::6"}
KNOWN, KNOWN_ADDRESS = "web.shop.svc", "10.96.0.9"
OTHER, OTHER_ADDRESS = "example.org", "192.0.2.99"
TPROXY = {"sidecar.istio.io/interceptionMode": "TPROXY"}
DNS = {"ISTIO_META_DNS_CAPTURE": "true"}


@dataclass(frozen=True)
class Shape:
    pod: SidecarPod
    families: tuple[int, ...]  # that the pod has
    identity: tuple[int, int] = (PROXY, PROXY)

    @property
    def transparent(self) -> bool:
        return bool(self.pod.annotations)


# By TPROXY the injector gives the proxy user 0, for NET_ADMIN: it is known by its group.
SHAPES = [
    Shape(SidecarPod("REDIRECT, IPv4", env=DNS), (V4,)),
    Shape(SidecarPod("REDIRECT, IPv6"), (V6,)),
    Shape(
        SidecarPod(
            "REDIRECT, dual stack, native sidecar of another user",
            env=DNS,
            proxy={"securityContext": {"runAsUser": 2000, "runAsGroup": 3000}},
            native=True,
        ),
        (V4, V6),
        (2000, 3000),
    ),
    Shape(SidecarPod("TPROXY, IPv6", TPROXY), (V6,), (0, PROXY)),
    Shape(SidecarPod("TPROXY, dual stack", TPROXY, DNS), (V4, V6), (0, PROXY)),
]


class Scene:
    def __init__(self, shape: Shape, net: Neighbours, envoy: Proxy) -> None:
        self.shape, self.net, self.envoy = shape, net, envoy

    def open(self, origin: str, address: str, port: int) -> Got:
        netns = {"pod": self.net.pod, "outside": self.net.outside}[origin]
        return self.net.connect(netns, address, port)

    def seen(self, listener: str, address: str, port: int) -> list[str]:
        """Who opened what this listener took for that destination; each connection once."""
        taken = str(Endpoint(address, port))
        return sorted(
            {r["src"] for r in self.envoy.records() if (r["listener"], r["dst"]) == (listener, taken)}
        )

    def waits_for(self, listener: str, address: str, port: int) -> None:
        self.envoy.wait_record(listener=listener, dst=str(Endpoint(address, port)))


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> CertificateFolder:
    folder = CertificateFolder(tmp_path_factory.mktemp("certs"))
    folder.issue("shop", "sleep")
    return folder


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    made = Pods(tmp_path_factory.mktemp("agent"), [shape.pod for shape in SHAPES])
    yield made
    made.close()


def without_others(shape: Shape, net: Neighbours) -> None:
    """Takes the families away that the pod has not."""
    if V6 not in shape.families:
        net.pod.sysctl("ipv6/conf/all/disable_ipv6", 1)
    if V4 not in shape.families:
        net.pod.command("ip", "-4", "addr", "flush", "dev", "eth0")


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: shape.pod.name)
def scene(request: pytest.FixtureRequest, pods: Pods, certs: CertificateFolder) -> Iterator[Scene]:
    shape: Shape = request.param
    net = pods.attach(
        shape.pod,
        POD[shape.families[0]],
        lambda made: without_others(shape, made),
        envoy=True,
        outside_says=lambda question: dns.answer(question, OTHER_ADDRESS),
    )
    routes = [
        Route(str(Endpoint(SERVICE[family], 80)), str(Endpoint(POD[family], 8080)))
        for family in shape.families
    ]
    bootstrap = sidecar(
        certs,
        "shop",
        "sleep",
        routes,
        transparent=shape.transparent,
        known={KNOWN: KNOWN_ADDRESS},
        resolver=Endpoint(NEAR[shape.families[0]], 53),
        dns_at=tuple(LO[family] for family in shape.families),
    )
    envoy = start_envoy(net.pod.path, bootstrap, shape.identity)
    yield Scene(shape, net, envoy)
    envoy.stop()


def test_inbound(scene: Scene) -> None:
    for family in scene.shape.families:
        got = scene.open("outside", POD[family], 8080)
        scene.waits_for("inbound", POD[family], 8080)
        client = OUTSIDE if scene.shape.transparent else PASS_THROUGH
        assert got == Got("app", client[family], (POD[family], 8080))


def test_outbound(scene: Scene) -> None:
    for family in scene.shape.families:
        got = scene.open("pod", NEAR[family], 80)
        scene.waits_for("outbound", NEAR[family], 80)
        assert got == Got("outside", POD[family], (NEAR[family], 80))


def test_the_application_to_itself_by_its_service(scene: Scene) -> None:
    """Out by the proxy, and in again by it."""
    for family in scene.shape.families:
        before = scene.seen("inbound", POD[family], 8080)
        got = scene.open("pod", SERVICE[family], 80)
        scene.waits_for("outbound", SERVICE[family], 80)
        assert got.who == "app"
        assert len(scene.seen("inbound", POD[family], 8080)) == len(before) + 1


def test_the_application_to_itself_by_the_pods_address(scene: Scene) -> None:
    for family in scene.shape.families:
        before = scene.envoy.records()
        got = scene.open("pod", POD[family], 9000)
        assert got == Got("app", POD[family], (POD[family], 9000))
        scene.open("pod", NEAR[family], 443)  # whatever Envoy logs of the other was logged before
        scene.waits_for("outbound", NEAR[family], 443)
        later = scene.envoy.records()[len(before) :]
        assert [r for r in later if r["dst"].endswith(":9000")] == []


def test_health_port_is_direct(scene: Scene) -> None:
    for family in scene.shape.families:

        def ask_health(address: str = POD[family]) -> int:
            connection = http.client.HTTPConnection(address, 15021, timeout=20)
            connection.request("GET", "/healthz/ready")
            return connection.getresponse().status

        assert scene.net.outside.run(ask_health) == 200
        assert scene.seen("inbound", POD[family], 15021) == []


def test_datagrams_are_untouched(scene: Scene) -> None:
    for family in scene.shape.families:
        out = ask(scene.net.pod, NEAR[family], 5432, query(KNOWN), 1000)
        assert address_in(out) == OTHER_ADDRESS  # the server there, not the proxy
        assert scene.net.datagram(scene.net.outside, POD[family], 8080) == "app"


def test_dns(scene: Scene) -> None:
    """Captured, the proxy answers itself, or asks further: its own question is not captured again."""
    captured = scene.shape.pod.env == DNS
    for family in scene.shape.families:
        known = ask(scene.net.pod, NEAR[family], 53, query(KNOWN), 1000)
        assert address_in(known) == (KNOWN_ADDRESS if captured else OTHER_ADDRESS)
        other = ask(scene.net.pod, NEAR[family], 53, query(OTHER), 1000)
        assert address_in(other) == OTHER_ADDRESS
