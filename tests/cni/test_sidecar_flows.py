"""What each annotation and variable of docs/sidecar.md does, as connections: who gets them in a pod that
says so, and who in one that does not. The real agent and plugin make the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from callers import FIN, PROXY, SYN, answered
from sidecar_network import FAR, GUEST, NEAR, OUTSIDE, OWN, POD, V4, V6, Neighbours
from sidecar_pods import Pods, SidecarPod

TRAFFIC = "traffic.sidecar.istio.io/"
MODE = "sidecar.istio.io/interceptionMode"


@dataclass(frozen=True)
class Flow:
    """Somebody opens something; who gets it."""

    what: str
    who: Callable[[Neighbours, int], str]


def out(port: int = 80, to: dict[int, str] = NEAR, user: int = 1000, group: int = 1000) -> Flow:
    """The application to somewhere, or another user of the pod."""
    return Flow(
        f"{user}:{group} to {to[V4]} port {port}",
        lambda net, family: net.connect(net.pod, to[family], port, user, group).who,
    )


def proxy_to(to: dict[int, str], port: int = 8080) -> Flow:
    return out(port, to, PROXY, PROXY)


def into(port: int = 8080) -> Flow:
    return Flow(
        f"into the pod, port {port}",
        lambda net, family: net.connect(net.outside, POD[family], port).who,
    )


def behind(port: int = 80, to: dict[int, str] = NEAR) -> Flow:
    """What the pod's guest opens."""
    return Flow(
        f"guest to {to[V4]} port {port}",
        lambda net, family: net.connect(net.guest, to[family], port).who,
    )


def question(user: int = 1000) -> Flow:
    return Flow(
        f"DNS question of {user}",
        lambda net, family: net.datagram(net.pod, NEAR[family], 53, user),
    )


def datagram(port: int) -> Flow:
    return Flow(
        f"datagram to port {port}", lambda net, family: net.datagram(net.pod, NEAR[family], port)
    )


def reached_as(port: int) -> Flow:
    """The port of which the inbound listener says that it is its own."""
    return Flow(
        f"into port {port}, as what the proxy has it",
        lambda net, family: str(net.connect(net.outside, POD[family], port).local[1]),
    )


@dataclass(frozen=True)
class Row:
    """A pod, and what it does otherwise than `plain`: (flow, who gets it here, who gets it there)."""

    name: str
    flows: list[tuple[Flow, str, str]]
    annotations: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    proxy: dict[str, Any] = field(default_factory=dict)
    plain: str = "default"
    families: tuple[int, ...] = (V4, V6)

    @property
    def pod(self) -> SidecarPod:
        return SidecarPod(self.name, self.annotations, self.env, self.proxy)


PLAIN = {
    "default": Row("default", []),
    "with DNS capture": Row("with DNS capture", [], env={"ISTIO_META_DNS_CAPTURE": "true"}),
}
LOOPBACK_2 = {V4: "127.0.0.2"}
NEAR_NETWORKS = "198.51.100.0/24, 2001:db8:1::/64"

DROPS_INVALID = SidecarPod("invalid dropped", env={"INVALID_DROP": "true"})

ROWS = [
    Row(
        "mode TPROXY",
        [(reached_as(8080), "8080", "15006"), (out(), "outbound", "outbound")],
        {MODE: "TPROXY"},
    ),
    Row(
        "mode NONE",
        [(into(), "app", "inbound"), (out(), "outside", "outbound")],
        {MODE: "NONE"},
    ),
    Row(
        "included networks",
        [(out(), "outbound", "outbound"), (out(to=FAR), "outside", "outbound")],
        {TRAFFIC + "includeOutboundIPRanges": NEAR_NETWORKS},
    ),
    Row(
        "no network included",
        [(out(), "outside", "outbound"), (into(), "inbound", "inbound")],
        {TRAFFIC + "includeOutboundIPRanges": ""},
    ),
    Row(
        "excluded networks",
        [(out(), "outside", "outbound"), (out(to=FAR), "outbound", "outbound")],
        {TRAFFIC + "excludeOutboundIPRanges": NEAR_NETWORKS},
    ),
    Row(
        "included outbound ports",
        [
            (out(5432), "outbound", "outbound"),
            (out(8005), "outbound", "outbound"),
            (out(80), "outside", "outbound"),
        ],
        {
            TRAFFIC + "includeOutboundIPRanges": "",
            TRAFFIC + "includeOutboundPorts": "5432, 8000-8010",
        },
    ),
    Row(
        "excluded outbound ports",
        [
            (out(8005), "outside", "outbound"),
            (out(443), "outside", "outbound"),
            (out(80), "outbound", "outbound"),
            (out(15020), "outbound", "outside"),
        ],
        {TRAFFIC + "excludeOutboundPorts": "443, 8000-8010"},
    ),
    Row(
        "an excluded outbound port is UDP's, too",
        [(question(), "outside", "outbound")],
        {TRAFFIC + "excludeOutboundPorts": "53"},
        {"ISTIO_META_DNS_CAPTURE": "true"},
        plain="with DNS capture",
    ),
    Row(
        "included inbound ports",
        [
            (into(8080), "inbound", "inbound"),
            (into(8005), "inbound", "inbound"),
            (into(9000), "app", "inbound"),
        ],
        {TRAFFIC + "includeInboundPorts": "8080,8000-8010"},
    ),
    Row(
        "no inbound port included",
        [(into(), "app", "inbound"), (out(), "outbound", "outbound")],
        {TRAFFIC + "includeInboundPorts": ""},
    ),
    Row(
        "excluded inbound ports",
        [
            (into(8005), "app", "inbound"),
            (into(8080), "inbound", "inbound"),
            *((into(port), "app", "app") for port in OWN),
        ],
        {TRAFFIC + "excludeInboundPorts": "8000-8010"},
    ),
    Row(
        "excluded inbound ports with TPROXY",
        [(into(8005), "app", "inbound"), *((into(port), "app", "app") for port in OWN)],
        {TRAFFIC + "excludeInboundPorts": "8000-8010", MODE: "TPROXY"},
    ),
    Row(
        "virtual interfaces",
        [(behind(), "outbound", "inbound"), (into(), "inbound", "inbound")],
        {"istio.io/reroute-virtual-interfaces": "virt0"},
    ),
    Row(
        "virtual interfaces, by the older name and for included networks",
        [(behind(), "outbound", "inbound"), (behind(to=FAR), "outside", "inbound")],
        {
            TRAFFIC + "kubevirtInterfaces": "virt0",
            TRAFFIC + "includeOutboundIPRanges": NEAR_NETWORKS,
        },
    ),
    Row(
        "excluded interfaces",
        [
            (behind(), "outside", "inbound"),
            (out(to=GUEST), "guest", "outbound"),
            (out(), "outbound", "outbound"),
        ],
        {TRAFFIC + "excludeInterfaces": "virt0"},
    ),
    Row(
        "excluded interfaces with TPROXY",
        [(behind(), "outside", "inbound"), (into(), "inbound", "inbound")],
        {TRAFFIC + "excludeInterfaces": "virt0", MODE: "TPROXY"},
    ),
    Row(
        "DNS capture",
        [
            (question(), "outbound", "outside"),
            (question(PROXY), "outside", "outside"),
            (datagram(5432), "outside", "outside"),
        ],
        env={"ISTIO_META_DNS_CAPTURE": "true"},
    ),
    Row(
        "owner groups",
        [(out(group=101), "outbound", "outbound"), (out(group=303), "outside", "outbound")],
        env={"ISTIO_OUTBOUND_OWNER_GROUPS": "101,202"},
    ),
    Row(
        "owner groups excluded",
        [(out(group=101), "outside", "outbound"), (out(group=303), "outbound", "outbound")],
        env={"ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE": "101,202"},
    ),
    Row(
        "loopback network",
        [(proxy_to(LOOPBACK_2), "app", "inbound"), (proxy_to(POD), "inbound", "inbound")],
        env={"ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR": "127.0.0.0/30"},
        families=(V4,),
    ),
    Row(
        "another user and group",
        [
            (out(user=2000, group=1000), "outside", "outbound"),
            (out(user=1000, group=3000), "outside", "outbound"),
            (out(user=PROXY, group=PROXY), "outbound", "outside"),
            (out(8080, POD, user=2000), "inbound", "app"),
            (out(8080, POD, group=3000), "inbound", "app"),
        ],
        proxy={"securityContext": {"runAsUser": 2000, "runAsGroup": 3000}},
    ),
]


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    rows = [*PLAIN.values(), *ROWS]
    made = Pods(tmp_path_factory.mktemp("agent"), [DROPS_INVALID, *(row.pod for row in rows)])
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain(pods: Pods) -> dict[str, Neighbours]:
    return {name: pods.attach(row.pod, POD[V4]) for name, row in PLAIN.items()}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_effect_and_absence(pods: Pods, plain: dict[str, Neighbours], row: Row) -> None:
    assert any(here != there for _, here, there in row.flows), "a row without an effect"
    net = pods.attach(row.pod, POD[V4])
    for flow, here, there in row.flows:
        for family in row.families:
            assert flow.who(net, family) == here, (flow.what, family, "here")
            assert flow.who(plain[row.plain], family) == there, (flow.what, family, "there")


def test_segments_that_fit_no_connection(pods: Pods, plain: dict[str, Neighbours]) -> None:
    """SYN and FIN in one segment, which conntrack calls invalid: TCP resets it, unless it is dropped. A SYN
    is answered in any case."""
    for net, reset in ((pods.attach(DROPS_INVALID, POD[V4]), False), (plain["default"], True)):
        for family in (V4, V6):
            seen = answered(net.outside, OUTSIDE[family], POD[family], 9, [SYN | FIN, SYN])
            assert seen == [reset, True], (family, reset)
