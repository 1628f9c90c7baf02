"""What an operator does, on Kubernetes itself: nothing here is a stand-in but ztunnel. In order:
the last test ends what the first began."""

from __future__ import annotations

from pathlib import Path

from kubernetes import CONFLIST, NODE, Kubernetes
from support.containerd import CNI_BIN
from support.folder_events import FolderEvents
from support.kernel_events import KernelEvents
from support.kernel_view import FILTER_TABLE, links, routes, rules
from support.kube.kube_view import captured_by_filter, captured_by_route

MODE = "istio.io/dataplane-mode"
REDIRECTION = "ambient.istio.io/redirection"
AGENT = ("-n", "istio-system", "-l", "app.kubernetes.io/name=ambient-node-agent")
TIMEOUT = 120


def running(cluster: Kubernetes, namespace: str) -> dict[str, str]:
    """Address to name."""
    pods = cluster.get("pods", "-n", namespace, "--field-selector=status.phase=Running")["items"]
    return {
        pod["status"]["podIP"]: pod["metadata"]["name"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    }


def wait_mesh(cluster: Kubernetes, *namespaces: str) -> None:
    """Until filter and routes capture exactly the running pods of these namespaces."""

    def found() -> bool:
        wanted = set().union(*(running(cluster, namespace) for namespace in namespaces))
        return captured_by_filter(cluster.netns) == captured_by_route(cluster.netns) == wanted

    with KernelEvents(cluster.netns) as events:
        events.wait_until(found, f"exactly the pods of {namespaces}", TIMEOUT)


def wait_annotated(cluster: Kubernetes, namespace: str) -> None:
    path = "{.metadata.annotations." + REDIRECTION.replace(".", "\\.") + "}"
    pods = [f"pod/{name}" for name in running(cluster, namespace).values()]
    cluster.kubectl("wait", "-n", namespace, *pods, f"--for=jsonpath={path}=enabled")


def scale(cluster: Kubernetes, replicas: int) -> None:
    cluster.kubectl("scale", "-n", "shop", "deployment/web", f"--replicas={replicas}")
    cluster.kubectl("rollout", "status", "-n", "shop", "deployment/web")
    path = "{.status.replicas}"
    cluster.kubectl("wait", "-n", "shop", "deployment/web", f"--for=jsonpath={path}={replicas}")
    wait_mesh(cluster, "shop")
    wait_annotated(cluster, "shop")


def agent_pod(cluster: Kubernetes) -> str:
    [pod] = cluster.get("pods", *AGENT)["items"]
    return str(pod["metadata"]["name"])


def test_applied(cluster: Kubernetes) -> None:
    wait_mesh(cluster, "shop")
    wait_annotated(cluster, "shop")
    assert "taints" not in cluster.get("node", NODE)["spec"]
    assert "ambient-cni" in cluster.conflist.read_text()


def test_namespace_joins_and_leaves(cluster: Kubernetes) -> None:
    cluster.kubectl("label", "namespace", "plain", f"{MODE}=ambient")
    wait_mesh(cluster, "shop", "plain")
    wait_annotated(cluster, "plain")
    cluster.kubectl("label", "namespace", "plain", f"{MODE}-")
    wait_mesh(cluster, "shop")


def test_pods_come_and_go(cluster: Kubernetes) -> None:
    scale(cluster, 6)
    scale(cluster, 2)


def test_agent_killed(cluster: Kubernetes) -> None:
    pod = agent_pod(cluster)
    before = captured_by_filter(cluster.netns)
    cluster.kill_agent()
    assert captured_by_filter(cluster.netns) == before
    restarts = "{.status.containerStatuses[0].restartCount}"
    cluster.kubectl("wait", "-n", "istio-system", f"pod/{pod}", f"--for=jsonpath={restarts}=1")
    cluster.kubectl("wait", "-n", "istio-system", f"pod/{pod}", "--for=condition=Ready")
    wait_mesh(cluster, "shop")


def test_agent_replaced_while_a_pod_starts(cluster: Kubernetes) -> None:
    cluster.kubectl("rollout", "restart", "-n", "istio-system", "daemonset/ambient-node-agent")
    scale(cluster, 3)
    cluster.kubectl("rollout", "status", "-n", "istio-system", "daemonset/ambient-node-agent")
    wait_mesh(cluster, "shop")


def test_configuration_replaced(cluster: Kubernetes) -> None:
    ours = cluster.conflist.read_text()
    with FolderEvents(cluster.conflist.parent) as events:
        new = cluster.conflist.with_suffix(".new")
        new.write_text(CONFLIST)
        new.rename(cluster.conflist)
        while cluster.conflist.read_text() != ours:
            assert events.wait(TIMEOUT), cluster.conflist.read_text()


def test_api_server_away(cluster: Kubernetes) -> None:
    before = captured_by_filter(cluster.netns)
    cluster.kill("kube-apiserver")
    cluster.netns.nft(f"flush set inet {FILTER_TABLE} pods4")
    with KernelEvents(cluster.netns) as events:
        events.wait_until(
            lambda: captured_by_filter(cluster.netns) == before, "the drift repaired", TIMEOUT
        )
    cluster.start_api_server()
    scale(cluster, 4)


def test_kubelet_restarted(cluster: Kubernetes) -> None:
    cluster.kill("kubelet")
    cluster.start_kubelet()
    scale(cluster, 3)


def test_ztunnel_replaced(cluster: Kubernetes) -> None:
    cluster.kubectl("rollout", "restart", "-n", "istio-system", "daemonset/ztunnel")
    cluster.kubectl("rollout", "status", "-n", "istio-system", "daemonset/ztunnel")
    wait_mesh(cluster, "shop")


def test_left(cluster: Kubernetes) -> None:
    cluster.kubectl(
        "delete", "-n", "istio-system", "daemonset/ambient-node-agent", "--cascade=foreground"
    )
    assert cluster.conflist.read_text() == CONFLIST
    assert not (CNI_BIN / "ambient-cni").exists()
    assert [path.name for path in cluster.conflist.parent.iterdir()] == [cluster.conflist.name]
    assert captured_by_filter(cluster.netns) == set()
    assert not [name for name in links(cluster.netns) if name.startswith("istio")]
    assert [line.split(":")[0] for line in rules(cluster.netns)] == ["0", "32766", "32767"]
    assert all(routes(cluster.netns, table) == [] for table in (100, 101, 102))
    assert not any(Path("/run/ambient-cni").iterdir())
    assert not any(Path("/var/lib/ambient-cni").iterdir())
    pods = cluster.get("pods", "-n", "shop")["items"]
    assert pods and not [p for p in pods if REDIRECTION in p["metadata"].get("annotations", {})]
    here = str(Path(__file__).parent)
    cluster.kubectl("delete", "--ignore-not-found", "-k", here)
