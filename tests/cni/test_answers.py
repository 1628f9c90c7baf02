"""Whatever its standard streams and its memory are like, the plugin does its work and answers."""

import json
import sys

import pytest
from agent_stand_in import GARBAGE, AgentStandIn
from node import POD, Node
from plugin import Plugin, capture_of, comment

FULL_ERRORS = ("sh", "-c", 'exec "$0" 2>/dev/full')
CLOSED_ERRORS = ("sh", "-c", 'exec "$0" 2>&-')
UNREAD = """
import os, signal, sys
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, int(sys.argv[1]))
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
os.execv(sys.argv[2], sys.argv[2:])
"""
UNREAD_ERRORS = (sys.executable, "-c", UNREAD, "2")
UNREAD_OUTPUT = (sys.executable, "-c", UNREAD, "1")
FULL_OUTPUT = ("sh", "-c", 'exec "$0" >/dev/full')

# More than the answer to a question: the parsed value of this needs some 20 MiB.
MANY_VALUES = '{"cniVersion":"1.1.0","name":"pods","x":[' + ",".join(["[]"] * 300_000) + "]}"


@pytest.mark.parametrize("through", [FULL_ERRORS, CLOSED_ERRORS, UNREAD_ERRORS])
def test_del_needs_nobody_to_read_its_notes(
    plugin: Plugin, node: Node, through: tuple[str, ...]
) -> None:
    before = node.state()
    node.add_element(POD, comment())
    node.add_route(POD)
    # No agent: the plugin has something to note before it removes anything.
    answer = plugin.run("DEL", through=through)
    assert answer.succeeded() and answer.output == "", answer
    assert node.state() == before


@pytest.mark.parametrize("through", [FULL_ERRORS, CLOSED_ERRORS, UNREAD_ERRORS])
def test_a_failure_is_answered_with_nobody_to_read_notes(
    plugin: Plugin, agent: AgentStandIn, through: tuple[str, ...]
) -> None:
    agent.answers["add"] = GARBAGE
    assert plugin.run("ADD", through=through).code == 11
    answer = plugin.run("ADD", through=through, on_agent_unavailable="allow")
    assert answer.succeeded() and json.loads(answer.output)["ips"]
    assert plugin.run("ADD", through=through, environment={"CNI_COMMAND": None}).code == 4


@pytest.mark.parametrize("through", [FULL_OUTPUT, UNREAD_OUTPUT])
def test_an_answer_that_nobody_gets_is_no_success(
    plugin: Plugin, agent: AgentStandIn, through: tuple[str, ...]
) -> None:
    agent.answers["add"] = capture_of()
    assert not plugin.run("ADD", through=through).succeeded()


def test_a_want_of_memory_is_answered(plugin: Plugin, node: Node) -> None:
    before = node.state()
    for command in ("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"):
        answer = plugin.run(command, stdin=MANY_VALUES, through=("prlimit", f"--as={12 << 20}"))
        assert answer.code == 103 and "memory" in answer.failure["msg"], command
    assert node.state() == before
