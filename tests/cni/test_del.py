"""DEL and GC: what belongs to whom is read from the kernel; both work with nobody there to ask."""

from pathlib import Path

import pytest
from agent_stand_in import AgentStandIn, refusal
from node import OTHER_POD, POD, POD6, ZTUNNEL, Node
from plugin import BINARY, UID, VERSIONS, Plugin, capture_of, comment, pod_route, result

OTHER_UID = "ffffffff-5a3b-4c1d-9e8f-001122334455"


@pytest.fixture
def captured(plugin: Plugin, node: Node) -> str:
    """The pod and another one, as ADD leaves them; the node's state without the first."""
    node.add_element(OTHER_POD, comment("other"))
    node.add_route(OTHER_POD)
    without = node.state()
    node.add_element(POD, comment())
    node.add_route(POD)
    return without


@pytest.mark.parametrize("version", VERSIONS)
def test_removes_the_pod_and_nothing_else(
    plugin: Plugin, node: Node, agent: AgentStandIn, captured: str, version: str
) -> None:
    plugin.version = version
    answer = plugin.run("DEL")
    assert answer.succeeded() and answer.output == ""
    assert node.state() == captured
    assert agent.requests[0]["verb"] == "del" and agent.requests[0]["container_id"] == "c0ffee"


def test_undoes_add(plugin: Plugin, node: Node, agent: AgentStandIn) -> None:
    before = node.state()
    agent.answers["add"] = capture_of()
    assert plugin.run("ADD").succeeded()
    assert node.state() != before
    assert plugin.run("DEL").succeeded()
    assert node.state() == before


def test_needs_no_agent_no_netns_no_result(plugin: Plugin, node: Node, captured: str) -> None:
    plugin.pod = Node("gone-already")
    for environment in ({"CNI_NETNS": None}, {"CNI_NETNS": ""}, {}):
        node.must("nft", "flush", "set", "inet", "ambient", "pods4")
        node.add_element(OTHER_POD, comment("other"))
        node.add_element(POD, comment())
        if pod_route() not in node.routes():
            node.add_route(POD)
        answer = plugin.run("DEL", environment=environment, prevResult=None)
        assert answer.succeeded(), answer
        assert node.state() == captured


def test_is_idempotent(plugin: Plugin, node: Node, captured: str) -> None:
    for _ in range(3):
        assert plugin.run("DEL").succeeded()
        assert node.state() == captured


def test_a_container_never_added_is_gone_already(plugin: Plugin, node: Node, captured: str) -> None:
    before = node.state()
    plugin.container = "never-seen"
    assert plugin.run("DEL", prevResult=None).succeeded()
    assert node.state() == before


@pytest.mark.parametrize("broken", [{"ips": 7}, "x", {"cniVersion": "9.0.0"}])
def test_an_unreadable_result_does_not_keep_a_pod(
    plugin: Plugin, node: Node, captured: str, broken: object
) -> None:
    assert plugin.run("DEL", prevResult=broken).succeeded()
    assert node.state() == captured


def test_works_while_the_agent_refuses(
    plugin: Plugin, node: Node, agent: AgentStandIn, captured: str
) -> None:
    agent.answers["del"] = refusal("internal", "no")
    assert plugin.run("DEL").succeeded()
    assert node.state() == captured


def test_half_of_a_pod_is_removed(plugin: Plugin, node: Node) -> None:
    before = node.state()
    node.add_route(POD)  # the element never came, or went first
    assert plugin.run("DEL").succeeded()
    assert node.state() == before
    node.add_element(POD, comment())
    assert plugin.run("DEL").succeeded()
    assert node.state() == before


def test_element_of_the_agent_goes_with_its_pod(plugin: Plugin, node: Node) -> None:
    before = node.state()
    node.add_element(POD, UID)
    node.add_route(POD)
    assert plugin.run("DEL").succeeded()
    assert node.state() == before


@pytest.mark.parametrize("owner", [OTHER_UID, comment("newer", OTHER_UID), comment("newer")])
def test_an_address_given_to_another_pod_stays(plugin: Plugin, node: Node, owner: str) -> None:
    node.add_element(POD, owner)
    node.add_route(POD)
    before = node.state()
    assert plugin.run("DEL").succeeded()
    assert node.state() == before


def test_the_ztunnels_own_route_stays(plugin: Plugin, node: Node) -> None:
    before = node.state()
    assert plugin.run("DEL", prevResult=result("1.1.0", ZTUNNEL)).succeeded()
    assert node.state() == before


def test_a_foreign_route_to_the_pod_stays(plugin: Plugin, node: Node) -> None:
    node.add_route(POD, protocol=77)
    before = node.state()
    node.add_element(POD, comment())
    assert plugin.run("DEL").succeeded()
    assert node.state() == before


def test_a_node_without_a_datapath_has_nothing_to_remove(plugin: Plugin, node: Node) -> None:
    node.must("nft", "flush", "ruleset")
    node.must("ip", "route", "flush", "table", "100")
    before = node.state()
    assert plugin.run("DEL").succeeded()
    assert node.state() == before


def test_other_names_are_looked_at_when_configured(plugin: Plugin, node: Node) -> None:
    node.must("nft", "add", "table", "inet", "mesh")
    node.must("nft", "add", "set", "inet", "mesh", "pods4", "{ type ipv4_addr; }")
    before = node.state()
    node.must(
        "nft", "add", "element", "inet", "mesh", "pods4", f'{{ {POD} comment "{comment()}" }}'
    )
    assert plugin.run("DEL", datapath={"filter_table": "mesh"}).succeeded()
    assert node.state() == before


@pytest.mark.usefixtures("captured")
def test_gc_removes_what_no_valid_attachment_owns(
    plugin: Plugin, node: Node, agent: AgentStandIn
) -> None:
    node.add_element(POD6, comment(), "pods6")
    node.add_element("10.244.1.13", OTHER_UID)  # of the agent, not of an attachment
    valid = [{"containerID": "other", "ifname": "eth0"}]
    assert plugin.run("GC", **{"cni.dev/valid-attachments": valid}).succeeded()
    assert node.elements() == {OTHER_POD: comment("other"), "10.244.1.13": OTHER_UID}
    assert node.elements("pods6") == {}
    assert pod_route() not in node.routes() and pod_route(OTHER_POD) in node.routes()
    assert [(r["verb"], r["container_id"]) for r in agent.requests] == [("del", "c0ffee")]


@pytest.mark.usefixtures("captured")
def test_gc_with_an_empty_list_removes_all_attachments(plugin: Plugin, node: Node) -> None:
    assert plugin.run("GC", **{"cni.dev/valid-attachments": []}).succeeded()
    assert node.elements() == {} and len(node.routes()) == 1


def test_gc_tells_interfaces_apart(plugin: Plugin, node: Node, captured: str) -> None:
    valid = [
        {"containerID": "other", "ifname": "eth0"},
        {"containerID": "c0ffee", "ifname": "net1"},
    ]
    assert plugin.run("GC", **{"cni.dev/valid-attachments": valid}).succeeded()
    assert node.state() == captured


@pytest.mark.usefixtures("captured")
def test_gc_without_a_list_removes_nothing(plugin: Plugin, node: Node) -> None:
    before = node.state()
    assert plugin.run("GC").code == 7
    assert node.state() == before


@pytest.fixture
def no_netfilter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "plugin"
    wrapper = Path(__file__).with_name("without_netfilter")
    program.write_text(f"#!/bin/sh\nexec {wrapper} {BINARY}\n")
    program.chmod(0o755)
    monkeypatch.setattr("plugin.BINARY", program)


@pytest.mark.parametrize("changes", [{}, {"prevResult": None}], ids=["result", "no result"])
def test_del_where_the_kernel_has_no_nf_tables(
    plugin: Plugin, node: Node, no_netfilter: None, changes: dict[str, None]
) -> None:
    node.add_route(POD)
    answer = plugin.run("DEL", **changes)
    assert answer.succeeded(), answer
    # Whose the route is only the set can tell, or the runtime.
    assert (pod_route() in node.routes()) == bool(changes)


def test_gc_where_the_kernel_has_no_nf_tables(
    plugin: Plugin, node: Node, no_netfilter: None
) -> None:
    answer = plugin.run("GC", **{"cni.dev/valid-attachments": []})
    assert answer.succeeded(), answer


def test_add_where_the_kernel_has_no_nf_tables_captures_nothing(
    plugin: Plugin, node: Node, agent: AgentStandIn, no_netfilter: None
) -> None:
    before = node.state()
    agent.answers["add"] = capture_of()
    assert plugin.run("ADD").failure["code"]
    assert node.state() == before
