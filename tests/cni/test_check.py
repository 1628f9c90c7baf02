"""CHECK compares the live kernel with what the agent says must be there."""

import pytest
from agent_stand_in import AgentStandIn, refusal
from node import POD, Node
from plugin import Plugin, capture_of, comment


@pytest.fixture
def captured(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    agent.answers["check"] = capture_of()
    node.add_element(POD, comment())
    node.add_route(POD)


@pytest.mark.usefixtures("captured")
@pytest.mark.parametrize("version", ["0.4.0", "1.0.0", "1.1.0"])
def test_all_is_there(plugin: Plugin, version: str) -> None:
    plugin.version = version
    answer = plugin.run("CHECK")
    assert answer.succeeded() and answer.output == ""


@pytest.mark.usefixtures("captured")
@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        (("ip", "route", "delete", POD, "table", "100"), f"ip route replace {POD}"),
        (
            ("ip", "route", "replace", POD, "dev", "cni0", "table", "100", "proto", "122"),
            f"ip route replace {POD}",
        ),
        (
            ("nft", "delete", "element", "inet", "ambient", "pods4", f"{{ {POD} }}"),
            f"element inet ambient pods4 {{ {POD}",
        ),
        (("ip", "link", "delete", "istioin"), f"ip route replace {POD}"),
        (("nft", "delete", "table", "inet", "ambient"), ""),
    ],
)
def test_what_is_missing_is_named_and_not_repaired(
    plugin: Plugin, node: Node, damage: tuple[str, ...], missing: str
) -> None:
    node.must(*damage)
    before = node.state()
    failure = plugin.run("CHECK").failure
    assert failure["code"] >= 100 and missing in failure["details"], failure
    assert node.state() == before


def test_pod_that_is_not_enrolled_needs_nothing(plugin: Plugin, agent: AgentStandIn) -> None:
    agent.answers["check"] = {"enrolled": False, "reason": "no label"}
    assert plugin.run("CHECK").succeeded()
    assert agent.verbs() == ["check"]


def test_excluded_namespace_is_not_asked_about(plugin: Plugin) -> None:
    plugin.namespace = "kube-system"
    assert plugin.run("CHECK").succeeded()


def test_agent_cannot_say(plugin: Plugin, agent: AgentStandIn) -> None:
    agent.answers["check"] = refusal("unavailable", "starting")
    assert plugin.run("CHECK").code == 11


@pytest.mark.parametrize("version", ["0.3.0", "0.3.1"])
def test_is_not_known_before_0_4_0(plugin: Plugin, version: str) -> None:
    plugin.version = version
    failure = plugin.run("CHECK").failure
    assert failure["code"] == 1 and "0.4.0" in failure["msg"] and failure["cniVersion"] == version
