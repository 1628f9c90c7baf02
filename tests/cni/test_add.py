"""ADD: who is captured, what the kernel then holds, and that a failure leaves nothing behind."""

import json

import pytest
from agent_stand_in import GARBAGE, SILENCE, AgentStandIn, refusal
from node import HOST_IP, POD, POD6, TABLE, Node
from plugin import UID, VERSIONS, Plugin, capture_of, comment, pod_route, result


@pytest.mark.parametrize("version", VERSIONS)
def test_enrolled_pod_is_captured(
    plugin: Plugin, node: Node, agent: AgentStandIn, version: str
) -> None:
    plugin.version = version
    agent.answers["add"] = capture_of()
    answer = plugin.run("ADD")
    assert answer.succeeded(), answer
    assert (
        answer.output
        == json.dumps(result(version, netns=plugin.pod.path), separators=(",", ":")) + "\n"
    )
    assert node.elements() == {POD: comment()}
    assert pod_route() in node.routes()
    assert agent.requests[0] == {
        "version": 2,
        "verb": "add",
        "container_id": "c0ffee",
        "ifname": "eth0",
        "pod_namespace": "default",
        "pod_name": "sleep",
        "pod_uid": UID,
        "addresses": [POD],
    }
    assert agent.verbs() == ["add", "added"]
    # The pod's namespace goes along as itself, not as a path.
    assert agent.namespaces == [plugin.pod.identity()] * 2


def test_dual_stack_pod_has_both_elements(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    capture = capture_of()
    part = capture["parts"][0]
    part["wanted"]["tables"][0]["sets"][1]["elements"] = [
        {"key": POD6, "comment": comment()}
    ]
    part["wanted"]["routes"].append(
        {
            "table": TABLE,
            "to": POD6,
            "via": "fd00:126::2",
            "dev": "istioin",
            "protocol": 122,
            "metric": 1024,
        }
    )
    part["scope"]["routes"][0]["to"].append(POD6)
    part["scope"]["filter"][0]["keys"].append(POD6)
    agent.answers["add"] = capture
    previous = result("1.1.0")
    previous["ips"].append({"interface": 1, "address": f"{POD6}/64"})
    assert plugin.run("ADD", prevResult=previous).succeeded()
    assert agent.requests[0]["addresses"] == [POD, POD6]
    assert node.elements("pods6") == {POD6: comment()}
    assert f"{POD6} via fd00:126::2 dev istioin proto 122 metric 1024 pref medium" in node.routes()


def test_only_the_pods_part_changes(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    before = set(node.state().splitlines())
    agent.answers["add"] = capture_of()
    assert plugin.run("ADD").succeeded()
    new = [line.strip() for line in node.state().splitlines() if line not in before]
    assert all(POD in line for line in new), new
    assert len(new) == 2, new


def test_add_again_changes_nothing(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    agent.answers["add"] = capture_of()
    assert plugin.run("ADD").succeeded()
    once = node.state()
    assert plugin.run("ADD").succeeded()
    assert node.state() == once


def test_pod_that_is_not_enrolled_passes(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    before = node.state()
    agent.answers["add"] = {"enrolled": False, "reason": "no label"}
    answer = plugin.run("ADD")
    assert answer.succeeded() and json.loads(answer.output) == result(
        "1.1.0", netns=plugin.pod.path
    )
    assert agent.verbs() == ["add"] and node.state() == before


NO_ADDRESS = {"cniVersion": "1.1.0", "ips": []}
NO_SUCH_INTERFACE = {"cniVersion": "1.1.0", "ips": [{"address": f"{POD}/24", "interface": 4}]}
NOT_AN_ADDRESS = {"cniVersion": "1.1.0", "ips": [{"address": "10.0.0.300/24"}]}


@pytest.mark.parametrize(
    ("previous", "says"),
    [
        (NO_ADDRESS, "prevResult.ips has no entry"),
        (NO_SUCH_INTERFACE, "prevResult.ips[0]"),
        (NOT_AN_ADDRESS, "10.0.0.300/24"),
    ],
)
def test_addresses_in_doubt_are_for_the_agent_to_judge(
    plugin: Plugin, node: Node, agent: AgentStandIn, previous: dict, says: str
) -> None:
    before = node.state()
    assert plugin.run("ADD", prevResult=previous).succeeded()
    assert plugin.run("CHECK", prevResult=previous).succeeded()
    capture = capture_of()
    agent.answers |= {"add": capture, "check": capture}
    agent.requests.clear()
    for command in ("ADD", "CHECK"):
        failure = plugin.run(command, prevResult=previous).failure
        assert failure["code"] == 7 and says in failure["msg"], command
    assert agent.verbs() == ["add", "del", "check"]
    assert node.state() == before


def test_address_at_the_hosts_end_is_the_pods(
    plugin: Plugin, node: Node, agent: AgentStandIn
) -> None:
    agent.answers["add"] = capture_of()
    previous = result("1.1.0", netns=plugin.pod.path)
    del previous["interfaces"][1]
    previous["ips"][0]["interface"] = 0
    assert plugin.run("ADD", prevResult=previous).succeeded()
    assert node.elements() == {POD: comment()}


def test_excluded_namespace_is_not_asked_about(
    plugin: Plugin, node: Node, agent: AgentStandIn
) -> None:
    plugin.namespace = "kube-system"
    agent.answers["add"] = capture_of()
    assert plugin.run("ADD").succeeded()
    assert agent.requests == [] and node.elements() == {}
    assert plugin.run("ADD", exclude_namespaces=["other"]).succeeded()
    assert agent.verbs() == ["add", "added"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("unavailable", 11),
        ("interrupted", 11),
        ("conflict", 102),
        ("kernel", 101),
        ("internal", 103),
    ],
)
def test_agent_refuses(
    plugin: Plugin, node: Node, agent: AgentStandIn, kind: str, code: int
) -> None:
    before = node.state()
    agent.answers["add"] = refusal(kind, "there is no ready ztunnel on this node")
    # The agent was reached: "allow" is not for this case.
    failure = plugin.run("ADD", on_agent_unavailable="allow").failure
    assert failure["code"] == code and "no ready ztunnel" in failure["details"]
    assert node.state() == before


def test_agent_answers_nonsense(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    before = node.state()
    agent.answers["add"] = GARBAGE
    assert plugin.run("ADD").code == 11
    agent.answers["add"] = {"version": 99}
    failure = plugin.run("ADD").failure
    assert failure["code"] == 11 and "different releases" in failure["details"]
    assert node.state() == before


@pytest.mark.parametrize(
    "answer", [refusal("internal", "verify"), refusal("unavailable", "verify"), SILENCE, GARBAGE]
)
def test_agent_does_not_verify(
    plugin: Plugin, node: Node, agent: AgentStandIn, answer: dict
) -> None:
    before = node.state()
    agent.answers |= {"add": capture_of(), "added": answer}
    assert plugin.run("ADD", timeout_ms=200).code in (11, 103)
    assert node.state() == before
    assert agent.verbs()[:2] == ["add", "added"]


def test_kernel_refuses_the_route(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    before = node.state()
    capture = capture_of()
    capture["parts"][0]["wanted"]["routes"][0]["src"] = "203.0.113.1"  # not an address of the node
    agent.answers["add"] = capture
    failure = plugin.run("ADD").failure
    assert failure["code"] == 101 and "Invalid prefsrc address" in failure["details"]
    assert node.state() == before
    assert agent.verbs() == ["add", "del"]


def two_parts(plugin: Plugin, table: int = 683) -> dict:
    """The node's part, then one in the pod's own namespace."""
    device, inode = plugin.pod.identity()
    rule = {"family": "ipv4", "priority": 32001, "lookup": table, "protocol": 122}
    inside = {
        "where": {"device": device, "inode": inode},
        "wanted": {"rules": [rule]},
        "scope": {"protocol": 122, "rule_priorities": [32001]},
    }
    return {**capture_of(), "parts": [*capture_of()["parts"], inside]}


def test_part_in_the_pod(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    agent.answers["add"] = agent.answers["check"] = two_parts(plugin)
    assert plugin.run("ADD").succeeded()
    assert node.elements() == {POD: comment()}
    assert "32001:\tfrom all lookup 683 proto 122" in plugin.pod.state()
    assert plugin.run("CHECK").succeeded()
    plugin.pod.must("ip", "rule", "del", "pref", "32001")
    assert "pref 32001" in plugin.run("CHECK").failure["details"]


def test_part_in_the_pod_fails(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    plugin.pod.must("ip", "rule", "add", "pref", "32001", "lookup", "683", "protocol", "77")
    before = node.state(), plugin.pod.state()
    agent.answers["add"] = two_parts(plugin)
    assert plugin.run("ADD").code == 102
    assert (node.state(), plugin.pod.state()) == before
    plugin.pod.must("ip", "rule", "del", "pref", "32001")


def test_parts_that_are_not_verified(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    before = node.state(), plugin.pod.state()
    agent.answers |= {"add": two_parts(plugin), "added": refusal("internal", "verify")}
    assert plugin.run("ADD").code == 103
    assert (node.state(), plugin.pod.state()) == before


def test_part_in_another_namespace(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    before = node.state()
    answer = two_parts(plugin)
    answer["parts"][1]["where"]["inode"] += 1
    agent.answers["add"] = answer
    failure = plugin.run("ADD").failure
    assert failure["code"] == 102 and "another network namespace" in failure["details"]
    assert node.state() == before


def test_foreign_route_on_the_pods_key_is_a_conflict(
    plugin: Plugin, node: Node, agent: AgentStandIn
) -> None:
    node.add_route(POD, protocol=77)
    before = node.state()
    agent.answers["add"] = capture_of()
    assert plugin.run("ADD").code == 102
    assert node.state() == before


def test_datapath_that_is_not_set_up(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    node.must("nft", "delete", "table", "inet", "ambient")
    before = node.state()
    agent.answers["add"] = capture_of()
    assert plugin.run("ADD").status == 1
    assert node.state() == before


def test_result_of_another_version_is_given_in_the_one_asked(
    plugin: Plugin, agent: AgentStandIn
) -> None:
    plugin.version = "0.4.0"
    answer = plugin.run("ADD", prevResult=result("1.0.0", netns=plugin.pod.path))
    assert json.loads(answer.output) == result("0.4.0", netns=plugin.pod.path)
    assert agent.requests[0]["addresses"] == [POD]


def test_addresses_of_other_interfaces_are_not_the_pods(
    plugin: Plugin, agent: AgentStandIn
) -> None:
    previous = result("1.1.0", netns=plugin.pod.path)
    previous["ips"].append({"interface": 0, "address": f"{HOST_IP}/24"})
    assert plugin.run("ADD", prevResult=previous).succeeded()
    assert agent.requests[0]["addresses"] == [POD]


@pytest.mark.parametrize("answer", [refusal("internal", "verify"), SILENCE])
def test_a_second_add_that_is_not_verified_takes_nothing_away(
    plugin: Plugin, node: Node, agent: AgentStandIn, answer: dict
) -> None:
    agent.answers["add"] = two_parts(plugin)
    assert plugin.run("ADD").succeeded()
    before = node.state(), plugin.pod.state()
    agent.answers["added"] = answer
    assert plugin.run("ADD", timeout_ms=500).failure
    assert (node.state(), plugin.pod.state()) == before
    plugin.pod.must("ip", "rule", "del", "pref", "32001")
