"""The demo's paths and manifests, on the cluster of the tests: what a newcomer is shown is true."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from demo import paths
from demo.manifests import Manifests
from demo.steps import report, travel
from support.cluster.cluster import Cluster
from support.cluster.hops import GENEVE_DEVICES
from support.cluster.model import NODES, PODS
from support.kube_objects import PodState, pod_object

DEMO = Path(__file__).resolve().parent.parent / "demo"


@pytest.mark.parametrize("make", paths.ALL, ids=lambda make: make.__name__)
def test_every_step_is_passed(cluster: Cluster, make) -> None:
    path = make(cluster.veths)
    measured = travel(cluster, path)
    text = report(path, measured)
    assert all(result.count > 0 for result in measured), text
    on_geneve = [r for r in measured if getattr(r.step.evidence, "device", None) in GENEVE_DEVICES]
    assert on_geneve and all(result.count == 1 for result in on_geneve), text


def test_manifests_describe_the_model() -> None:
    documents = [
        document
        for file in DEMO.glob("manifests/*.yaml")
        for document in yaml.safe_load_all(file.read_text())
    ]
    pods = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Pod"}
    assert pods.keys() == Manifests(DEMO / "manifests").pods.keys()
    for name, found in pods.items():
        expected = pod_object(PODS[name], NODES[PODS[name].node], PodState(attached=True))
        assert found["metadata"].get("annotations", {}) == expected["metadata"]["annotations"], name
        assert found["metadata"]["labels"] == expected["metadata"]["labels"], name
        assert found["status"] == expected["status"], name
        assert found["spec"]["containers"][1:] == expected["spec"]["containers"][1:], name
