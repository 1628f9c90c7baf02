"""A cluster of one node with the agent installed as an operator does it. AMBIENT_KUBERNETES names
the folder of Kubernetes' programs, AMBIENT_IMAGE our image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubernetes import Kubernetes

HERE = Path(__file__).resolve().parent

KUBECTL = Path(os.environ["AMBIENT_KUBERNETES_TOOLS"]) / "1.37/kubectl"


@pytest.fixture(scope="session")
def empty_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubernetes]:
    folder = tmp_path_factory.mktemp("kubernetes")
    programs = Path(os.environ["AMBIENT_KUBERNETES"])
    with Kubernetes(folder, programs, KUBECTL, Path(os.environ["AMBIENT_IMAGE"])) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster(empty_cluster: Kubernetes) -> Kubernetes:
    empty_cluster.kubectl("apply", "-k", str(HERE))
    empty_cluster.kubectl("apply", "-f", str(HERE / "workload.yaml"))
    for what in ("istio-system daemonset/ambient-node-agent", "istio-system daemonset/ztunnel",
                 "shop deployment/web", "plain deployment/web"):  # fmt: skip
        namespace, name = what.split()
        empty_cluster.kubectl("rollout", "status", "-n", namespace, name)
    return empty_cluster
