"""Further ztunnels on node a, one after the other, as a DaemonSet with maxSurge 1 has them."""

from __future__ import annotations

from support.cluster.cluster import Cluster
from support.cluster.model import NODES, PODS, Pod
from support.kernel_events import KernelEvents
from support.kernel_view import links, routes
from support.kube_objects import PodState
from support.netns import create, delete

NODE = NODES["a"]
FIRST = PODS["zt-a"]


class Rollout:
    """Context manager; what still runs at its end is stopped, and the first ztunnel is active
    again."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._node = cluster.netns[NODE.netns]
        self._running: list[Pod] = []
        self._count = 0

    def start(self) -> Pod:
        """One more ztunnel, attached and listening; the objects say that it is not ready yet."""
        cluster = self._cluster
        self._count += 1
        pod = Pod(f"zt-a{self._count + 1}", "a", 19 + self._count, "istio-system", "ztunnel")
        delete([pod.name])
        cluster.netns[pod.name] = create([pod.name])[0]
        cluster.store.add(pod)
        cluster.store.write()
        cluster.veths[pod.name] = cluster.cni["a"].add(pod)
        cluster.mesh.proxies[pod.name] = cluster.mesh.start_ztunnel(pod)
        self._running.append(pod)
        return pod

    def ready(self, pod: Pod) -> None:
        """It becomes ready, later than all before it, and so active."""
        created = f"2026-02-{self._count:02}T00:00:00Z"
        with KernelEvents(self._node) as events:
            self._cluster.store.states[pod.name] = PodState(attached=True, created=created)
            self._cluster.store.write()
            self.wait_active(events, pod)

    def forget(self, pod: Pod, then: Pod = FIRST) -> None:
        """Its object is gone; it still runs. `then` is active."""
        with KernelEvents(self._node) as events:
            self._cluster.store.remove(pod.name)
            self._cluster.store.write()
            self.wait_active(events, then)

    def vanish(self, pod: Pod) -> None:
        """Killed, and its namespace goes without a word to anybody: what its sockets say on the way
        is lost."""
        cluster = self._cluster
        with KernelEvents(self._node) as events:
            cluster.netns[pod.name].ip("link set eth0 down")
            cluster.mesh.proxies.pop(pod.name).kill()
            self._detach(pod)
            events.wait_until(
                lambda: self.lane_of(pod) is None, f"the lane of {pod.name} is taken down"
            )

    def lane_of(self, pod: Pod) -> int | None:
        """The table that leads back to it."""
        for table in (102, 104, 105, 106):
            if any(line.startswith(f"default via {pod.address} ") for line in routes(self._node, table)):
                return table
        return None

    def wait_active(self, events: KernelEvents, pod: Pod) -> None:
        events.wait_until(lambda: self._tunnel_ends() == {pod.address}, f"{pod.name} is active")

    def _tunnel_ends(self) -> set[object]:
        found = links(self._node)
        return {
            found[name]["linkinfo"]["info_data"]["remote"]  # type: ignore[index]
            for name in ("istioin", "istioout")
            if name in found
        }

    def _detach(self, pod: Pod) -> None:
        cluster = self._cluster
        cluster.cni["a"].delete(pod)
        del cluster.veths[pod.name], cluster.netns[pod.name]
        delete([pod.name])
        self._running.remove(pod)

    def __enter__(self) -> Rollout:
        return self

    def __exit__(self, *_: object) -> None:
        store = self._cluster.store
        for pod in [pod for pod in self._running if pod.name in store.pods]:
            store.remove(pod.name)
        with KernelEvents(self._node) as events:
            store.write()
            self.wait_active(events, FIRST)
        for pod in list(self._running):
            self._cluster.mesh.proxies.pop(pod.name).stop()
            self._detach(pod)
