"""Each test has a node of its own, unless it must not change it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from agent_stand_in import AgentStandIn
from node import POD, Node, delete_netns, new_netns
from plugin import Plugin, capture_of, comment
from sidecar_scene import Scene

_numbers = itertools.count()


@dataclass
class Captured:
    plugin: Plugin
    agent: AgentStandIn
    state: str


def _scratch(role: str) -> Iterator[Node]:
    netns = new_netns(f"cni-{role}-{os.getpid()}-{next(_numbers)}")
    try:
        yield netns
    finally:
        delete_netns(netns)


def _node() -> Iterator[Node]:
    for netns in _scratch("node"):
        netns.set_up()
        yield netns


def _agent(plugin: Plugin) -> Iterator[AgentStandIn]:
    stand_in = AgentStandIn(plugin.socket)
    yield stand_in
    stand_in.close()


@pytest.fixture
def node() -> Iterator[Node]:
    yield from _node()


@pytest.fixture(scope="session")
def pod() -> Iterator[Node]:
    """One for all tests: the plugin only looks at it."""
    yield from _scratch("pod")


@pytest.fixture
def plugin(node: Node, pod: Node, tmp_path: Path) -> Plugin:
    """With no agent at its socket."""
    return Plugin(node, pod, tmp_path / "agent.sock")


@pytest.fixture
def agent(plugin: Plugin) -> Iterator[AgentStandIn]:
    yield from _agent(plugin)


@pytest.fixture(scope="module")
def captured_before(pod: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Captured]:
    """A pod that an earlier ADD has captured, and an agent that would capture it again. One for all
    tests of a module: for those that must not change it."""
    for node in _node():
        plugin = Plugin(node, pod, tmp_path_factory.mktemp("run") / "agent.sock")
        for stand_in in _agent(plugin):
            stand_in.answers |= {"add": capture_of(), "check": capture_of()}
            node.add_element(POD, comment())
            node.add_route(POD)
            yield Captured(plugin, stand_in, node.state())


@pytest.fixture
def scene(node: Node, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(node, tmp_path)
    try:
        yield made
    finally:
        made.close()
