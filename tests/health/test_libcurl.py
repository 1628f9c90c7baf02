"""libcurl is loaded by the agent that talks to an API server, and by no other."""

from __future__ import annotations

from pathlib import Path

from node import Node


def loads_libcurl(pid: int) -> bool:
    return "/libcurl.so.4" in Path(f"/proc/{pid}/maps").read_text()


def test_only_with_an_api_server(node: Node) -> None:
    with node.agent() as agent:
        assert not loads_libcurl(agent.process.pid)


def test_with_an_api_server(cluster_node: Node) -> None:
    with cluster_node.agent() as agent:
        assert loads_libcurl(agent.process.pid)


def test_where_it_cannot_be_loaded_the_agent_says_so_and_changes_nothing(
    cluster_node: Node, tmp_path: Path
) -> None:
    (tmp_path / "libcurl.so.4").write_text("no library")
    with cluster_node.installation.agent("env", f"LD_LIBRARY_PATH={tmp_path}") as agent:
        said = agent.process.communicate()[1].decode()
    assert agent.process.returncode == 1
    assert "libcurl.so.4" in said and "install Debian's libcurl4" in said
    assert cluster_node.installation.files() == cluster_node.before
