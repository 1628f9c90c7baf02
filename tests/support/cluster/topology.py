"""Makes the model's underlay and nodes out of network namespaces, and removes them."""

from __future__ import annotations

from collections.abc import Iterable

from support.cluster.model import EXTERNAL_ADDRESS, NODES, UNDERLAY, UNDERLAY_ADDRESS, Node
from support.netns import Netns, create, delete

# A node whose distribution filters strictly: what captures traffic has to cope with it (CONTRACT
# U7).
STRICT_REVERSE_PATH = 1


def _names(pods: Iterable[str]) -> list[str]:
    return [UNDERLAY, *(node.netns for node in NODES.values()), *pods]


def build(pods: Iterable[str]) -> dict[str, Netns]:
    """Underlay and nodes connected, pods' namespaces empty for CNI to attach. By name."""
    names = _names(pods)
    delete(names)
    made = {netns.name: netns for netns in create(names)}
    _build_underlay(made[UNDERLAY])
    for node in NODES.values():
        _build_node(made[node.netns], node)
    for name in pods:
        _strict_filter(made[name])
    return made


def destroy(pods: Iterable[str]) -> None:
    delete(_names(pods))


def _strict_filter(netns: Netns) -> None:
    for scope in ("default", "all"):
        netns.sysctl(f"ipv4/conf/{scope}/rp_filter", STRICT_REVERSE_PATH)


def _build_underlay(underlay: Netns) -> None:
    underlay.ip(
        "link add br0 type bridge",
        f"addr add {UNDERLAY_ADDRESS}/24 dev br0",
        "link set br0 up",
        "link add internet0 type dummy",
        f"addr add {EXTERNAL_ADDRESS}/32 dev internet0",
        "link set internet0 up",
        *(
            line
            for node in NODES.values()
            for line in (
                f"link add port-{node.name} type veth peer name eth0 netns {node.netns}",
                f"link set port-{node.name} master br0 up",
            )
        ),
    )


def _build_node(netns: Netns, node: Node) -> None:
    _strict_filter(netns)
    netns.sysctl("ipv4/ip_forward", 1)
    others = [other for other in NODES.values() if other != node]
    netns.ip(
        f"addr add {node.address}/24 dev eth0",
        "link set eth0 up",
        "link add other0 type dummy",
        f"addr add {node.other_address}/32 dev other0",
        "link set other0 up",
        f"route add default via {UNDERLAY_ADDRESS}",
        *(f"route add {other.pod_cidr} via {other.address}" for other in others),
    )
