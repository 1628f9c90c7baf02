"""What ADD and DEL ask of the kernel, counted by strace: nothing that grows with the node."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from agent_stand_in import AgentStandIn
from node import HOST_IP, POD, PROTOCOL, TABLE, TUNNEL_END, Node
from plugin import BINARY, Plugin, capture_of, comment

FEW, MANY = 10, 1000


@dataclass(frozen=True)
class Cost:
    """Of one run of the plugin."""

    calls: int
    requests: int  # datagrams to the kernel by netlink
    answered: int  # bytes that came back

    @staticmethod
    def read(trace: str) -> "Cost":
        lines = [line for line in trace.splitlines() if re.match(r"(\d+ +)?\w+\(", line)]
        netlink: dict[str, bool] = {}  # by descriptor: numbers are used again
        sent = received = 0
        for line in lines:
            if made := re.search(r"socket\((\w+),.*= (\d+)$", line):
                netlink[made[2]] = made[1] == "AF_NETLINK"
            talk = re.search(r"(send|recv)\w*\((\d+),.*= (\d+)$", line)
            if not talk or not netlink.get(talk[2]):
                continue
            if talk[1] == "send":
                sent += 1
            elif "MSG_PEEK" not in line:
                received += int(talk[3])
        return Cost(len(lines), sent, received)


@pytest.fixture
def traced(plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the system calls of the next run will be."""
    trace = tmp_path / "trace"
    program = tmp_path / "traced-plugin"
    program.write_text(f"#!/bin/sh\nexec strace -qq -s 0 -o {trace} {BINARY}\n")
    program.chmod(0o755)
    monkeypatch.setattr("plugin.BINARY", program)
    return trace


def fill(node: Node, count: int) -> None:
    """So many other pods on the node, captured."""
    addresses = [f"10.244.{2 + i // 250}.{1 + i % 250}" for i in range(count)]
    addresses = addresses[len(node.elements()) :]
    elements = ", ".join(f'{a} comment "{comment(f"other-{a}")}"' for a in addresses)
    node.must("nft", "add", "element", "inet", "ambient", "pods4", f"{{ {elements} }}")
    via = f"via {TUNNEL_END} dev istioin src {HOST_IP} table {TABLE} proto {PROTOCOL}"
    routes = "".join(f"route add {a} {via}\n" for a in addresses)
    node.must("ip", "-batch", "-", stdin=routes)


def cost(plugin: Plugin, trace: Path, command: str) -> Cost:
    answer = plugin.run(command)
    assert answer.succeeded(), answer
    return Cost.read(trace.read_text())


@pytest.fixture
def costs(
    plugin: Plugin, node: Node, agent: AgentStandIn, traced: Path
) -> dict[int, tuple[Cost, Cost]]:
    """Of ADD and DEL beside few and beside many pods."""
    node.must("ip", "rule", "add", "priority", "103", "lookup", str(TABLE))
    agent.answers["add"] = capture_of()
    found = {}
    for count in (FEW, MANY):
        fill(node, count)
        add = cost(plugin, traced, "ADD")
        assert POD in node.elements()
        found[count] = (add, cost(plugin, traced, "DEL"))
        assert POD not in node.elements() and len(node.elements()) == count
    return found


def test_the_number_of_pods_costs_nothing(costs: dict[int, tuple[Cost, Cost]]) -> None:
    assert costs[MANY] == costs[FEW]


def test_bounds(costs: dict[int, tuple[Cost, Cost]]) -> None:
    add, delete = costs[MANY]
    assert add.calls <= 60 and add.requests <= 7, add
    assert delete.calls <= 78 and delete.requests <= 15, delete
