"""STATUS and VERSION."""

import json

import pytest
from agent_stand_in import SILENCE, AgentStandIn, refusal
from plugin import VERSIONS, Plugin, run_by_hand


def test_ready(plugin: Plugin, agent: AgentStandIn) -> None:
    answer = plugin.run("STATUS", prevResult=None)
    assert answer.succeeded() and answer.output == ""
    assert agent.requests == [{"version": 2, "verb": "status"}]


def test_a_node_is_not_taken_out_for_an_agent_that_is_being_replaced(plugin: Plugin) -> None:
    for on_agent_unavailable in ("deny", "allow"):
        answer = plugin.run("STATUS", on_agent_unavailable=on_agent_unavailable)
        assert answer.succeeded() and "agent cannot be reached" in answer.errors


def test_nor_for_one_that_hangs(plugin: Plugin, agent: AgentStandIn) -> None:
    agent.answers["status"] = SILENCE
    assert plugin.run("STATUS", timeout_ms=100).succeeded()


@pytest.mark.parametrize(("kind", "code"), [("unavailable", 50), ("conflict", 51), ("kernel", 51)])
def test_datapath_is_not_ready_or_broken(
    plugin: Plugin, agent: AgentStandIn, kind: str, code: int
) -> None:
    agent.answers["status"] = refusal(kind, "observe istioin")
    failure = plugin.run("STATUS").failure
    assert failure["code"] == code and "observe istioin" in failure["details"]


@pytest.mark.parametrize("command", ["STATUS", "GC"])
@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_status_and_gc_are_not_known_before_1_1_0(
    plugin: Plugin, command: str, version: str
) -> None:
    plugin.version = version
    assert plugin.run(command, **{"cni.dev/valid-attachments": []}).code == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_version_answers_in_the_version_asked(version: str) -> None:
    answer = run_by_hand(env={"CNI_COMMAND": "VERSION"}, input=json.dumps({"cniVersion": version}))
    assert answer.returncode == 0
    assert json.loads(answer.stdout) == {"cniVersion": version, "supportedVersions": VERSIONS}


@pytest.mark.parametrize("stdin", ["", "{}", "nonsense", '{"cniVersion": "9.9.9"}'])
def test_version_needs_no_configuration(stdin: str) -> None:
    answer = run_by_hand(env={"CNI_COMMAND": "VERSION"}, input=stdin)
    assert answer.returncode == 0
    assert json.loads(answer.stdout) == {"cniVersion": "1.1.0", "supportedVersions": VERSIONS}


def test_run_by_hand_it_says_what_it_is() -> None:
    for args in (["--help"], ["-h"], ["--version"]):
        answer = run_by_hand(*args, env={})
        assert answer.returncode == 0 and "CNI plugin ambient-cni" in answer.stdout
    answer = run_by_hand(env={}, stdin=-3)
    assert "CNI plugin ambient-cni" in answer.stderr
    assert answer.returncode == 1 and json.loads(answer.stdout)["code"] == 4
