"""Each test has a node and a pod of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_stand_in import AgentStandIn
from node import Node, delete_netns, new_netns
from plugin import Plugin

_numbers = itertools.count()


def _scratch(role: str) -> Iterator[Node]:
    netns = new_netns(f"cni-{role}-{os.getpid()}-{next(_numbers)}")
    try:
        yield netns
    finally:
        delete_netns(netns)


@pytest.fixture
def node() -> Iterator[Node]:
    for netns in _scratch("node"):
        netns.set_up()
        yield netns


@pytest.fixture
def pod() -> Iterator[Node]:
    yield from _scratch("pod")


@pytest.fixture
def plugin(node: Node, pod: Node, tmp_path: Path) -> Plugin:
    """With no agent at its socket."""
    return Plugin(node, pod, tmp_path / "agent.sock")


@pytest.fixture
def agent(plugin: Plugin) -> Iterator[AgentStandIn]:
    stand_in = AgentStandIn(plugin.socket)
    yield stand_in
    stand_in.close()
