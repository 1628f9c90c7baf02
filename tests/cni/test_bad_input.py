"""Bad input: the spec's error object, a non-zero exit, one clear sentence, and nothing changed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from agent_stand_in import AgentStandIn
from conftest import Captured
from plugin import Plugin

NO_IPS = {"cniVersion": "1.1.0", "ips": {}}
DEEP = '{"cniVersion":"1.1.0","name":"n","prevResult":' + "[" * 100_000 + "]" * 100_000 + "}"

ENVIRONMENT = [
    ("ADD", {"CNI_CONTAINERID": None}, "CNI_CONTAINERID"),
    ("ADD", {"CNI_CONTAINERID": "a/b"}, "CNI_CONTAINERID"),
    ("ADD", {"CNI_NETNS": None}, "CNI_NETNS"),
    ("ADD", {"CNI_NETNS": "/run/netns/does-not-exist"}, "CNI_NETNS"),
    ("ADD", {"CNI_NETNS": "/etc/passwd"}, "CNI_NETNS"),
    ("ADD", {"CNI_NETNS": "/proc/self/ns/mnt"}, "CNI_NETNS"),
    ("ADD", {"CNI_NETNS": "/proc/self/ns/net"}, "of the node itself"),
    ("CHECK", {"CNI_NETNS": "/proc/self/ns/net"}, "of the node itself"),
    ("ADD", {"CNI_IFNAME": None}, "CNI_IFNAME"),
    ("ADD", {"CNI_IFNAME": "a-name-of-16-byt"}, "CNI_IFNAME"),
    ("ADD", {"CNI_IFNAME": ".."}, "CNI_IFNAME"),
    ("ADD", {"CNI_ARGS": "K8S_POD_NAME"}, "CNI_ARGS"),
    ("ADD", {"CNI_ARGS": "FOO=BAR"}, "CNI_ARGS"),
    ("ADD", {"CNI_ARGS": "K8S_POD_NAME=x"}, "CNI_ARGS"),
    ("DEL", {"CNI_CONTAINERID": None}, "CNI_CONTAINERID"),
    ("DEL", {"CNI_IFNAME": ""}, "CNI_IFNAME"),
    ("CHECK", {"CNI_NETNS": None}, "CNI_NETNS"),
    ("ADD", {"CNI_COMMAND": None}, "CNI_COMMAND"),
    ("ADD", {"CNI_COMMAND": "REMOVE"}, "CNI_COMMAND"),
]

STDIN = [
    ("", 6, "empty"),
    ("not json", 6, "not valid JSON"),
    ('{"cniVersion": "1.1.0"', 6, "not valid JSON"),
    ('"text"', 6, "object"),
    ("\x00\x01", 6, "not valid JSON"),
    (DEEP, 6, "nested"),
    (" " * (2 << 20), 6, "1 MiB"),
    ('{"name": "n"}', 1, '"cniVersion" is missing'),
    ('{"cniVersion": 1.1, "name": "n"}', 7, '"cniVersion" must be a text such as "1.1.0", not 1.1'),
    ('{"cniVersion": null, "name": "n"}', 7, '"cniVersion" must be a text'),
    ('{"cniVersion": "0.2.0", "name": "n"}', 1, "0.2.0"),
    ('{"cniVersion": "2.0.0", "name": "n"}', 1, "2.0.0"),
    ('{"cniVersion": "1.1.0"}', 7, "name"),
]

CONFIG: list[tuple[dict[str, Any], int, str]] = [
    ({"prevResult": None}, 7, "prevResult"),
    ({"prevResult": []}, 7, "prevResult"),
    ({"prevResult": NO_IPS}, 7, "prevResult.ips"),
    ({"agent_socket": "agent.sock"}, 7, "agent_socket"),
    ({"timeout_ms": -1}, 7, "timeout_ms"),
    ({"timeout_ms": "2s"}, 7, "timeout_ms"),
    ({"exclude_namespaces": "kube-system"}, 7, "exclude_namespaces"),
    ({"on_agent_unavailable": "ignore"}, 7, "on_agent_unavailable"),
    ({"datapath": {"table": 100}}, 2, "datapath.table"),
    ({"datapath": {"protocol": 2}}, 7, "datapath.protocol"),
]


@pytest.fixture
def refused(captured_before: Captured) -> Iterator[Plugin]:
    yield captured_before.plugin
    assert captured_before.plugin.node.state() == captured_before.state
    assert captured_before.agent.requests == []


@pytest.mark.parametrize(("command", "environment", "says"), ENVIRONMENT)
def test_environment(
    refused: Plugin, command: str, environment: dict[str, str | None], says: str
) -> None:
    failure = refused.run(command, environment=environment).failure
    assert failure["code"] == 4 and says in failure["msg"]


@pytest.mark.parametrize(("stdin", "code", "says"), STDIN, ids=[says for _, _, says in STDIN])
def test_standard_input(refused: Plugin, stdin: str, code: int, says: str) -> None:
    for command in ("ADD", "DEL", "CHECK", "GC", "STATUS"):
        failure = refused.run(command, stdin=stdin).failure
        assert failure["code"] == code and says in failure["msg"], command
        assert "json.exception" not in failure.get("details", "")


@pytest.mark.parametrize(("changes", "code", "says"), CONFIG)
def test_configuration(refused: Plugin, changes: dict[str, Any], code: int, says: str) -> None:
    failure = refused.run("ADD", **changes).failure
    assert failure["code"] == code and says in failure["msg"]


def test_keys_of_the_runtime_are_accepted(plugin: Plugin, agent: AgentStandIn) -> None:
    keys = {"args": {"cni": {}}, "runtimeConfig": {"dns": {}}, "capabilities": {"dns": True}}
    answer = plugin.run("ADD", **keys, dns={}, ipMasq=False)
    assert answer.succeeded() and json.loads(answer.output)
    assert agent.verbs() == ["add"]
