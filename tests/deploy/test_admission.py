"""What the admission policies let the agent write, by their own expressions: what it does write,
and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from admission import KIND, Writer, denials
from support.deploy import render
from support.fake_apiserver import objects

NODE = "node-a"
OURS, TAINT = "ambient.istio.io/redirection", "ambient-cni.dev/not-ready"
AGENT = Writer(NODE)
Object = dict[str, Any]


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> render.Objects:
    return render.kustomize_with(
        tmp_path_factory.mktemp("policies"),
        {
            "resources": [render.MANIFESTS / "base"],
            "components": [render.MANIFESTS / "components/admission-policy"],
        },
    )


def _pod(**annotations: str) -> Object:
    return objects.pod("web", "mesh", NODE, "10.0.0.1", annotations=annotations)


def _changed(old: Object, change: Callable[[Object], Any]) -> Object:
    """With what the server itself moves at each write."""
    new = copy.deepcopy(old)
    change(new)
    new["metadata"]["resourceVersion"] = "2"
    new["metadata"]["managedFields"] = []
    return new


def _annotate(value: str | None, key: str = OURS) -> Callable[[Object], Any]:
    def change(pod: Object) -> None:
        if value is None:
            del pod["metadata"]["annotations"][key]
        else:
            pod["metadata"].setdefault("annotations", {})[key] = value

    return change


def test_every_policy_is_bound_and_denies(policies: render.Objects) -> None:
    bound = {
        one["spec"]["policyName"]: one["spec"]["validationActions"]
        for (kind, _), one in policies.items()
        if kind == f"{KIND}Binding"
    }
    names = {name for kind, name in policies if kind == KIND}
    assert bound == dict.fromkeys(names, ["Deny"]) and len(names) == 3
    assert all(policies[KIND, name]["spec"]["failurePolicy"] == "Fail" for name in names)


def test_the_agent_may_put_its_annotation_on_and_take_it_away(policies: render.Objects) -> None:
    bare = _pod()
    del bare["metadata"]["annotations"]
    enabled = _pod(**{OURS: "enabled"})
    for old, change in (
        (_pod(), _annotate("enabled")),
        (bare, _annotate("enabled")),
        (enabled, _annotate(None)),
        (_pod(**{OURS: "something else"}), _annotate("enabled")),
        (enabled, lambda pod: None),
    ):
        assert denials(policies, AGENT, "pods/status", old, _changed(old, change)) == []
    only = _changed(bare, _annotate("enabled"))
    assert denials(policies, AGENT, "pods/status", only, bare) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_annotate("yes"), '"enabled" only'),
        (_annotate("x", "example.org/other"), "annotation ambient.istio.io/redirection only"),
        (_annotate("x", "prometheus.io/scrape"), "annotation ambient.istio.io/redirection only"),
        (_annotate(None, "prometheus.io/scrape"), "annotation ambient.istio.io/redirection only"),
        (lambda pod: pod["metadata"]["labels"].update(app="ztunnel"), "the label cni.istio.io"),
        (lambda pod: pod["metadata"].update(finalizers=["a/b"]), "an annotation, or a label, only"),
        (lambda pod: pod["status"].update(podIP="10.0.0.2"), "a pod's status"),
        (lambda pod: pod.pop("status"), "a pod's status"),
    ],
)
def test_nothing_else_of_a_pod(
    policies: render.Objects, change: Callable[[Object], Any], words: str
) -> None:
    old = _pod()
    (said,) = denials(policies, AGENT, "pods/status", old, _changed(old, change))
    assert words in said


def test_an_owners_word_stays(policies: render.Objects) -> None:
    old = _pod(**{OURS: "disabled"})
    for change in (_annotate("enabled"), _annotate(None)):
        (said,) = denials(policies, AGENT, "pods/status", old, _changed(old, change))
        assert 'leaves "disabled" alone' in said


@pytest.mark.parametrize("writer", [Writer("node-b"), Writer(None)])
def test_only_the_node_that_the_token_names(policies: render.Objects, writer: Writer) -> None:
    old = _pod()
    (said,) = denials(policies, writer, "pods/status", old, _changed(old, _annotate("enabled")))
    assert "its own node only" in said
    pending = _pod()
    del pending["spec"]["nodeName"]
    assert denials(policies, writer, "pods/status", pending, _changed(pending, _annotate("enabled")))
    node = objects.node(NODE, TAINT)
    (said,) = denials(policies, writer, "nodes", node, _changed(node, _untaint(TAINT)))
    assert "its own node only" in said


def test_others_are_not_its_business(policies: render.Objects) -> None:
    kubelet = Writer(None, "system:node:node-a")
    old = _pod()
    wild = _changed(old, lambda pod: pod["status"].update(phase="Failed"))
    assert denials(policies, kubelet, "pods/status", old, wild) == []
    same_name = Writer(NODE, "system:serviceaccount:other:ambient-node-agent")
    assert denials(policies, same_name, "pods/status", old, wild), "in whatever namespace"


def _untaint(*keys: str) -> Callable[[Object], Any]:
    def change(node: Object) -> None:
        left = [taint for taint in node["spec"]["taints"] if taint["key"] not in keys]
        node["spec"]["taints"] = left

    return change


def test_the_agent_may_take_its_taint_off(policies: render.Objects) -> None:
    alone = objects.node(NODE, TAINT)
    _untaint("node.kubernetes.io/example")(alone)
    for old in (objects.node(NODE, TAINT), alone):
        assert denials(policies, AGENT, "nodes", old, _changed(old, _untaint(TAINT))) == []
    # The last one gone, the field is.
    bare = _changed(alone, lambda node: node["spec"].pop("taints"))
    assert denials(policies, AGENT, "nodes", alone, bare) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_untaint("node.kubernetes.io/example"), "taint ambient-cni.dev/not-ready only"),
        (lambda node: node["spec"]["taints"].append({"key": TAINT, "effect": "NoExecute"}), "taint"),
        (lambda node: node["spec"]["taints"][0].update(effect="NoExecute"), "taint"),
        (lambda node: node["spec"].update(unschedulable=True), "taints only"),
        (lambda node: node["spec"].update(podCIDR="10.0.0.0/8"), "taints only"),
        (lambda node: node["metadata"]["labels"].update(role="x"), "metadata"),
        (lambda node: node["metadata"].update(annotations={"a": "b"}), "metadata"),
    ],
)
def test_nothing_else_of_a_node(
    policies: render.Objects, change: Callable[[Object], Any], words: str
) -> None:
    old = objects.node(NODE, TAINT)
    (said,) = denials(policies, AGENT, "nodes", old, _changed(old, change))
    assert words in said


def test_the_chart_names_the_taint_that_it_is_given() -> None:
    other = render.objects(
        render.helm_text("--set", "admissionPolicy=true", "--set", "taint=example.org/wait")
    )
    node = objects.node(NODE, "example.org/wait")
    assert denials(other, AGENT, "nodes", node, _changed(node, _untaint("example.org/wait"))) == []


LABEL = "cni.istio.io/uninitialized"
SIDECAR = {"sidecar.istio.io/status": "{}"}


def _label(value: str | None, key: str = LABEL) -> Callable[[Object], Any]:
    def change(pod: Object) -> None:
        if value is None:
            del pod["metadata"]["labels"][key]
        else:
            pod["metadata"].setdefault("labels", {})[key] = value

    return change


def test_the_agent_may_say_that_a_pod_is_uninitialized(policies: render.Objects) -> None:
    unlabelled = _pod()
    unlabelled["metadata"].pop("labels", None)
    labelled = _changed(_pod(), _label("true"))
    for old in (_pod(), unlabelled, labelled, _changed(_pod(), _label("false"))):
        assert denials(policies, AGENT, "pods/status", old, _changed(old, _label("true"))) == []
    for old, change in (
        (_pod(), _label("false")),
        (labelled, _label(None)),
        (labelled, _label("")),
        (_pod(), _label("blue", "colour")),
        (_changed(_pod(), _label("blue", "colour")), _label("red", "colour")),
        (_changed(_pod(), _label("blue", "colour")), _label(None, "colour")),
    ):
        (said,) = denials(policies, AGENT, "pods/status", old, _changed(old, change))
        assert LABEL in said


def test_the_agent_may_delete_sidecar_pods_of_its_node(policies: render.Objects) -> None:
    assert denials(policies, AGENT, "pods", _pod(**SIDECAR), None) == []
    (said,) = denials(policies, AGENT, "pods", _pod(), None)
    assert "with a sidecar" in said
    (said,) = denials(policies, Writer("node-b"), "pods", _pod(**SIDECAR), None)
    assert "own node" in said
    somebody = Writer(None, "system:serviceaccount:kube-system:job-controller")
    assert denials(policies, somebody, "pods", _pod(), None) == []
