"""What somebody takes away or changes by hand is put back within a second of the notification,
logged, and works."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass

import pytest

from support.cluster.cluster import Cluster
from support.cluster.model import APP_PORT, NODES, PODS, Pod
from support.kernel_events import KernelEvents
from support.kernel_view import snapshot

A = NODES["a"]
HTTPBIN, SERVER = PODS["httpbin"], PODS["server"]
REPAIR_SECONDS = 1.0


@dataclass(frozen=True)
class Drift:
    netns: str
    command: str
    logged: str  # what the agent's log must name


DRIFTS = {
    "pod_route": Drift(A.netns, f"ip route del {HTTPBIN.address} table 100", HTTPBIN.address),
    "default_route": Drift(A.netns, "ip route del default table 101", "istioout"),
    "return_route": Drift(A.netns, "ip route del default table 102", "102"),
    "rule": Drift(A.netns, "ip rule del priority 101", "101"),
    "flushed_chain": Drift(A.netns, "nft flush chain inet ambient prerouting", "prerouting"),
    "set_element": Drift(
        A.netns, f"nft delete element inet ambient pods4 {{ {HTTPBIN.address} }}", HTTPBIN.address
    ),
    "foreign_rule_in_our_chain": Drift(
        A.netns, "nft insert rule inet ambient prerouting tcp dport 9 drop", "prerouting"
    ),
    "table": Drift(A.netns, "nft delete table inet ambient", "ambient"),
    "link": Drift(A.netns, "ip link del istioin", "istioin"),
    "link_down": Drift(A.netns, "ip link set istioout down", "istioout"),
    "address": Drift(A.netns, "ip addr del 192.168.126.1/30 dev istioin", "192.168.126.1"),
    "ztunnel_chain": Drift("zt-a", "nft flush chain inet ambient prerouting", "prerouting"),
    "ztunnel_rule": Drift("zt-a", "ip rule del priority 20000", "20000"),
    "ztunnel_route": Drift("zt-a", "ip route del local default table 100", "100"),
    "ztunnel_link": Drift("zt-a", "ip link del pistioout", "pistioout"),
}


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS.keys())
def test_drift_is_repaired(cluster: Cluster, drift: Drift) -> None:
    agent = cluster.datapath.agents["a"]
    netns = cluster.netns[drift.netns]
    before = snapshot(netns)
    said = len(agent.log())
    with KernelEvents(netns) as events:
        netns.command(*drift.command.split())
        assert events.wait_count(1, timeout=5), "the change made no event"
        events.wait_until(lambda: snapshot(netns) == before, f"{drift.command} repaired")
    taken = events.times[-1] - events.times[0]
    assert taken < REPAIR_SECONDS, f"{taken:.2f} s from the first event to the last"
    agent.wait_log("drift repaired", drift.logged, after=said)
    cluster.exchange("sleep", (SERVER.address, APP_PORT))
    cluster.exchange("plain-b", (HTTPBIN.address, APP_PORT))


class AskingPlugin:
    """A connection to the agent as the plugin makes it, about a pod that is attached already."""

    def __init__(self, cluster: Cluster, pod: Pod) -> None:
        listing = json.loads(cluster.netns[A.netns].command(*"nft --json list set inet ambient pods4".split()))
        elements = [each["elem"] for each in listing["nftables"][-1]["set"]["elem"]]
        comment = next(each["comment"] for each in elements if each["val"] == pod.address)
        self._about = {
            "version": 2,
            # Before somebody attached it, the comment is the pod's uid alone.
            "container_id": comment.split("/")[1] if "/" in comment else "0" * 64,
            "ifname": "eth0",
            "pod_namespace": pod.namespace,
            "pod_name": pod.name,
            "addresses": [pod.address],
        }
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(20)
        self._socket.connect(str(cluster.datapath.agents["a"].socket))

    def attach(self) -> None:
        self.ask("add")
        self.ask("added")

    def ask(self, verb: str) -> None:
        self._socket.send(json.dumps({**self._about, "verb": verb}).encode())
        reply = json.loads(self._socket.recv(65536))
        assert reply.get("enrolled"), reply

    def die(self) -> None:
        self._socket.close()


def test_plugin_that_dies_leaves_nothing_unwatched(cluster: Cluster) -> None:
    """What a plugin programs is not drift, until it says that it is done, or is gone."""
    agent, netns = cluster.datapath.agents["a"], cluster.netns[A.netns]
    plugin = AskingPlugin(cluster, HTTPBIN)
    plugin.attach()
    before = snapshot(netns)
    plugin.ask("add")
    said = len(agent.log())
    with KernelEvents(netns) as events:
        netns.ip(f"route del {HTTPBIN.address} table 100")
        assert events.wait_count(1, timeout=5), "the change made no event"
        plugin.die()
        events.wait_until(lambda: snapshot(netns) == before, "the route is back")
    # Not by the next look at everything.
    assert events.times[-1] - events.times[0] < REPAIR_SECONDS
    agent.wait_log("drift repaired", HTTPBIN.address, after=said)


def test_drift_is_told_from_change_also_after_a_pod_was_added(cluster: Cluster) -> None:
    agent, netns = cluster.datapath.agents["a"], cluster.netns[A.netns]
    plugin = AskingPlugin(cluster, HTTPBIN)
    plugin.attach()
    plugin.die()
    said = len(agent.log())
    before = snapshot(netns)
    with KernelEvents(netns) as events:
        with agent.paused():  # so that it looks at both at once, which is at everything
            netns.ip("rule del priority 101")
            netns.ip(f"route del {HTTPBIN.address} table 100")
        events.wait_until(lambda: snapshot(netns) == before, "rule and route are back")
    agent.wait_log("drift repaired", "kind=rule", after=said)
    agent.wait_log("drift repaired", "kind=route", HTTPBIN.address, after=said)
