"""The agent is down, hangs, or is too busy: ADD answers within its own deadline."""

import json
import time

import pytest
from agent_stand_in import SILENCE, AgentStandIn
from node import Node
from plugin import Plugin, result


def test_deny_means_try_again_later(plugin: Plugin, node: Node) -> None:
    before = node.state()
    failure = plugin.run("ADD").failure
    assert (
        failure["code"] == 11
        and "agent" in failure["msg"]
        and str(plugin.socket) in failure["details"]
    )
    assert node.state() == before


def test_allow_passes_and_says_so(plugin: Plugin, node: Node) -> None:
    before = node.state()
    answer = plugin.run("ADD", on_agent_unavailable="allow")
    assert answer.succeeded() and json.loads(answer.output) == result(
        "1.1.0", netns=plugin.pod.path
    )
    assert "uncaptured" in answer.errors
    assert node.state() == before


@pytest.mark.parametrize("namespace", ["kube-system", "istio-system"])
def test_excluded_namespaces_start_without_an_agent(plugin: Plugin, namespace: str) -> None:
    plugin.namespace = namespace
    answer = plugin.run("ADD")
    assert answer.succeeded() and json.loads(answer.output) == result(
        "1.1.0", netns=plugin.pod.path
    )


def test_a_name_alone_does_not_exclude(plugin: Plugin) -> None:
    plugin.namespace = "kube-system-2"
    assert plugin.run("ADD").code == 11


@pytest.mark.parametrize("policy", ["deny", "allow"])
def test_agent_that_never_answers(
    plugin: Plugin, node: Node, agent: AgentStandIn, policy: str
) -> None:
    before = node.state()
    agent.answers["add"] = SILENCE
    begin = time.monotonic()
    answer = plugin.run("ADD", timeout_ms=300, on_agent_unavailable=policy)
    took = time.monotonic() - begin
    assert 0.3 <= took < 20
    assert answer.succeeded() if policy == "allow" else answer.code == 11
    assert node.state() == before


def test_check_without_an_agent_is_try_again_later(plugin: Plugin) -> None:
    assert plugin.run("CHECK").code == 11


def test_del_is_not_held_up_by_an_agent_that_never_answers(
    plugin: Plugin, agent: AgentStandIn
) -> None:
    agent.answers["del"] = SILENCE
    begin = time.monotonic()
    assert plugin.run("DEL", timeout_ms=60000).succeeded()
    assert time.monotonic() - begin < 20
