"""Random things that happen to a node, one after the other, from a seed: pods and namespaces come,
change and go; watches break; the API server, the agent and the CNI configuration have their
troubles."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from support.fake_apiserver import Answer, Break, BreakInEvent, objects
from support.kube.kube_node import NODE, KubeNode
from support.kube.kube_view import MODE
from support.kube.libcni import AddRefused
from support.kube.rewriter import Rewriter

SPACES = [f"soak-{i}" for i in range(4)]
PODS_AT_MOST = 10
ACTIONS_BETWEEN_CHECKS = 12
OUTAGE_ACTIONS = 3  # that may happen while the API server is away


class Churn:
    def __init__(self, node: KubeNode, seed: int) -> None:
        self._node = node
        self._random = random.Random(seed)
        self._made = 0
        self.log: list[str] = []
        for space in SPACES:
            node.put_namespace(space, ambient=self._random.random() < 0.5)
        self._in_cluster: dict[Callable[[], None], int] = {
            self._start_pod: 10,
            self._stop_pod: 7,
            self._relabel_namespace: 5,
            self._relabel_pod: 4,
            self._pod_without_sandbox: 2,
            self._forget_pod: 2,
        }
        self._troubles: dict[Callable[[], None], int] = {
            self._break_watches: 3,
            self._compact: 2,
            self._plan_fault: 3,
            self._rewrite_configuration: 3,
            self._delete_plugin: 1,
            self._remove_route: 2,
            self._outage: 2,
        }

    def run(self, seconds: float, restarts: bool) -> None:
        """Things happen for that long; every now and then everything has to be right."""
        actions = self._in_cluster | self._troubles
        if restarts:
            actions |= {self._restart_agent: 2, self._kill_agent: 1}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(ACTIONS_BETWEEN_CHECKS):
                self._act(actions)
            self.settle()

    def settle(self) -> None:
        """Faults end; the kernel and the installation become what they should be."""
        self.log.append("settle")
        self._node.api.heal()
        self._node.wait_whole(timeout=60)
        self._node.wait_installed()
        self._node.libcni.retry_removals()
        assert self._node.libcni.to_remove == [], "DEL failed"

    def end(self) -> None:
        """Every pod and namespace of ours goes."""
        for pod in self._pods():
            self._remove(*pod)
        self.settle()
        for space in SPACES:
            self._node.api.delete("namespaces", "", space)

    def _act(self, actions: dict[Callable[[], None], int]) -> None:
        [action] = self._random.choices(list(actions), list(actions.values()))
        self.log.append(action.__name__.strip("_"))
        action()

    def _pods(self) -> list[tuple[str, str]]:
        metadata = [pod["metadata"] for pod in self._node.api.all("pods")]
        return [(each["namespace"], each["name"]) for each in metadata if each["namespace"] in SPACES]

    def _some_pod(self) -> tuple[str, str] | None:
        pods = self._pods()
        return self._random.choice(pods) if pods else None

    # In the cluster ------------------------------------------------------------------------------

    def _start_pod(self) -> None:
        if len(self._pods()) >= PODS_AT_MOST:
            return
        self._made += 1
        space, name = self._random.choice(SPACES), f"pod-{self._made}"
        labels = self._random.choice([{}, {}, {MODE: "ambient"}, {MODE: "none"}])
        self._node.api.put("pods", objects.pod(name, space, NODE, labels=labels))
        try:
            address = self._node.add_sandbox(space, name)
        except AddRefused as error:  # the kubelet would try again; this one gives up
            self.log.append(f"  refused: {error}")
            self._node.api.delete("pods", space, name)
            return
        self._node.show_address(space, name, address)

    def _stop_pod(self) -> None:
        if pod := self._some_pod():
            self._remove(*pod)

    def _remove(self, space: str, name: str) -> None:
        if (space, name) in self._node.sandboxes:
            self._node.stop_pod(space, name)
        else:
            self._node.api.delete("pods", space, name)

    def _relabel_namespace(self) -> None:
        self._node.put_namespace(self._random.choice(SPACES), self._random.random() < 0.5)

    def _relabel_pod(self) -> None:
        if pod := self._some_pod():
            found = self._node.api.get("pods", *pod)
            assert found
            found["metadata"]["labels"][MODE] = self._random.choice(["ambient", "none", "other"])
            self._node.api.put("pods", found)

    def _pod_without_sandbox(self) -> None:
        """Another node's, or one on the host network: none of this node's business."""
        self._made += 1
        where = self._random.choice([{"node": "elsewhere"}, {"node": NODE, "host_network": True}])
        name, address = f"pod-{self._made}", f"10.250.2.{self._made % 250}"
        space = self._random.choice(SPACES)
        self._node.api.put("pods", objects.pod(name, space, address=address, **where))

    def _forget_pod(self) -> None:
        """Deleted by force: gone from the API, while its sandbox goes a little later."""
        if (pod := self._some_pod()) and pod in self._node.sandboxes:
            self._node.api.delete("pods", *pod)
            self._node.remove_sandbox(*pod)

    # Troubles ------------------------------------------------------------------------------------

    def _break_watches(self) -> None:
        self._random.choice([self._node.api.break_watches, self._node.api.end_watches])()

    def _compact(self) -> None:
        self._node.api.compact()
        self._node.api.break_watches()

    def _plan_fault(self) -> None:
        kind = self._random.choice(
            [Answer.error(500), Answer.error(503), Answer.too_many_requests(1), Answer.gone(),
             Break(), Break(2000)]
        )  # fmt: skip
        verb = self._random.choice(["list", "watch", "get", "patch"])
        self._node.api.fail(kind, verb, times=self._random.randint(1, 3))
        self._node.api.fail(BreakInEvent(), "watch")
        self._node.api.break_watches()

    def _rewrite_configuration(self) -> None:
        Rewriter(self._node.conf_file, self._node.primary).write()

    def _delete_plugin(self) -> None:
        (self._node.bin_dir / "ambient-cni").unlink(missing_ok=True)

    def _remove_route(self) -> None:
        if captured := sorted(self._node.captured()):
            address = self._random.choice(captured)
            try:
                self._node.netns.ip(f"route del {address} table 100")
            except RuntimeError as error:  # its pod has left in the same moment
                if "No such process" not in str(error):
                    raise

    def _outage(self) -> None:
        self._node.api.stop_listening()
        try:
            for _ in range(OUTAGE_ACTIONS):
                self._act(self._in_cluster)
        finally:
            self._node.api.listen()

    def _restart_agent(self) -> None:
        self._node.agent.stop()
        self._act(self._in_cluster)
        self._start_agent()

    def _kill_agent(self) -> None:
        self._node.agent.kill()
        self._start_agent()

    def _start_agent(self) -> None:
        self._node.agent.start()
        self._node.agent.wait_serving()
