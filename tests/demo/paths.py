"""The three traffic paths that the demo shows, step by step."""

from __future__ import annotations

from demo.steps import Accepted, Marked, Path, Step
from support.cluster.hops import IN, OUT, Hop
from support.cluster.marks import Mark
from support.cluster.mesh import HBONE_PORT
from support.cluster.model import APP_PORT, NODES, PODS, SERVICES, Node, Pod
from support.cluster.traffic import Address

TO_SIDECAR_APP = "127.0.0.6"  # the source with which a sidecar connects to its application
CAPTURED, RETURNED, TAKEN, IN_POD_NAME = (
    (0x100, 0x300),
    (0x40, 0x340),
    (0x400, 0xFFF),
    (0x4D3, 0xFFF),
)


def _ztunnel(node: Node) -> str:
    return f"zt-{node.name}"


def _ambient_out(pod: Pod, dst: str, port: int, veths: dict[str, str]) -> list[Step]:
    """From an enrolled pod into the ztunnel of its node."""
    node, src, zt = NODES[pod.node], pod.address, _ztunnel(NODES[pod.node])
    return [
        Step(
            f"{pod.name} sends; its packets enter the node by its veth",
            Hop(node.netns, veths[pod.name], IN, src, dst, port),
        ),
        Step(
            "the first packet is marked: its source is an enrolled pod",
            Marked(node.netns, Mark(*CAPTURED, src, dst, syn_only=True)),
        ),
        Step(
            "policy rule 101 and table 101 lead it into Geneve device istioout",
            Hop(node.netns, "istioout", OUT, src, dst, port),
        ),
        Step(
            "it comes out of pistioout in the ztunnel pod", Hop(zt, "pistioout", IN, src, dst, port)
        ),
        Step(
            "tproxy hands it to the listener, marked so that the namespace keeps it",
            Marked(zt, Mark(*TAKEN, src, dst, syn_only=True)),
        ),
        Step(
            "ztunnel accepts on 15001 and knows the original destination",
            Accepted(zt, 15001, src, f"{dst}:{port}"),
        ),
        Step(
            "all that follows returns to ztunnel by connection state, not by Geneve",
            Marked(node.netns, Mark(*RETURNED, src, dst)),
        ),
        Step(
            "... through ztunnel's own eth0, where another mark delivers it",
            Marked(zt, Mark(*IN_POD_NAME, src, dst)),
        ),
    ]


def _ambient_in(src: str, pod: Pod, port: int, veths: dict[str, str]) -> list[Step]:
    """From the pod's node through its ztunnel into an enrolled pod."""
    node, dst, zt = NODES[pod.node], pod.address, _ztunnel(NODES[pod.node])
    listener = HBONE_PORT if port == HBONE_PORT else 15006
    kind = "HBONE" if port == HBONE_PORT else "plain TCP"
    return [
        Step(
            f"table 100 of {node.netns} routes the enrolled pod's address into istioin",
            Hop(node.netns, "istioin", OUT, src, dst, port),
        ),
        Step(
            "it comes out of pistioin in the ztunnel pod", Hop(zt, "pistioin", IN, src, dst, port)
        ),
        Step("tproxy hands it to the listener", Marked(zt, Mark(*TAKEN, src, dst, syn_only=True))),
        Step(f"ztunnel accepts {kind} on {listener}", Accepted(zt, listener, src, f"{dst}:{port}")),
        Step(
            "ztunnel connects to the pod, with the original source",
            Hop(zt, "eth0", OUT, src, dst, APP_PORT),
        ),
        Step(f"{pod.name} receives", Hop(pod.name, "eth0", IN, src, dst, APP_PORT)),
    ]


def ambient_to_sidecar(veths: dict[str, str]) -> Path:
    source, target = PODS["sleep"], PODS["httpbin-sc"]
    a, b = NODES["a"], NODES["b"]
    src, dst = source.address, target.address
    return Path(
        "Path 1: ambient pod `sleep` on node-a -> pod `httpbin-sc` with a sidecar on node-b",
        source.name,
        (dst, APP_PORT),
        [
            *_ambient_out(source, dst, APP_PORT, veths),
            Step(
                "ztunnel connects through its eth0 with the pod's source address",
                Hop(_ztunnel(a), "eth0", OUT, src, dst, APP_PORT),
            ),
            Step("over the wire to node-b", Hop(b.netns, "eth0", IN, src, dst, APP_PORT)),
            Step("into the pod", Hop(target.name, "eth0", IN, src, dst, APP_PORT)),
            Step(
                "the rules that ADD made in the pod redirect to the sidecar's 15006",
                Accepted(target.name, "inbound", src, f"{dst}:{APP_PORT}"),
            ),
            Step(
                "the sidecar reaches the application over loopback",
                Hop(target.name, "lo", OUT, TO_SIDECAR_APP, dst, APP_PORT),
            ),
        ],
    )


def _sidecar_out(
    pod: Pod, asked: Address, dst: str, port: int, veths: dict[str, str]
) -> list[Step]:
    """From a pod with a sidecar, which turns what was asked for into `dst`:`port`."""
    return [
        Step(
            f"the rules that ADD made in {pod.name} redirect to its sidecar's 15001",
            Accepted(pod.name, "outbound", pod.address, f"{asked[0]}:{asked[1]}"),
        ),
        Step(
            "the sidecar connects; the packets enter the node by the veth, nothing captures them",
            Hop(NODES[pod.node].netns, veths[pod.name], IN, pod.address, dst, port),
        ),
        Step("over the wire", Hop(NODES[pod.node].netns, "eth0", OUT, pod.address, dst, port)),
    ]


def sidecar_to_ambient(veths: dict[str, str]) -> Path:
    source, target = PODS["sleep-sc"], PODS["server"]
    asked = (target.address, APP_PORT)
    return Path(
        "Path 2: pod `sleep-sc` with a sidecar on node-a -> ambient pod `server` on node-b",
        source.name,
        asked,
        [
            *_sidecar_out(source, asked, target.address, APP_PORT, veths),
            *_ambient_in(source.address, target, APP_PORT, veths),
        ],
    )


def sidecar_by_waypoint(veths: dict[str, str]) -> Path:
    source, waypoint, target = PODS["sleep-sc"], PODS["waypoint"], PODS["helloworld"]
    asked, c = SERVICES["helloworld"].frontend, NODES[waypoint.node]
    return Path(
        "Path 3: pod `sleep-sc` with a sidecar on node-a -> waypoint on node-c"
        " -> ambient pod `helloworld` on node-d",
        source.name,
        asked,
        [
            *_sidecar_out(source, asked, waypoint.address, HBONE_PORT, veths),
            Step(
                "into the waypoint's pod, which is not ambient: its annotation says so",
                Hop(waypoint.name, "eth0", IN, source.address, waypoint.address, HBONE_PORT),
            ),
            Step(
                "the waypoint ends the HBONE connection",
                Accepted(
                    waypoint.name, "hbone", source.address, f"{waypoint.address}:{HBONE_PORT}"
                ),
            ),
            Step(
                "and opens its own to the ambient pod",
                Hop(
                    c.netns, veths[waypoint.name], IN, waypoint.address, target.address, HBONE_PORT
                ),
            ),
            Step(
                "over the wire",
                Hop(c.netns, "eth0", OUT, waypoint.address, target.address, HBONE_PORT),
            ),
            *_ambient_in(waypoint.address, target, HBONE_PORT, veths),
        ],
    )


ALL = (ambient_to_sidecar, sidecar_to_ambient, sidecar_by_waypoint)
