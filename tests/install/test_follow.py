"""The serving agent keeps the installation, whatever others do."""

import contextlib
import fcntl
import os
import time

import pytest
from support.installation import FLANNEL, PLUGIN, SINGLE, Installation, types_of, wait_until


def test_repairs_what_others_do(node: Installation) -> None:
    node.write("10-flannel.conflist", FLANNEL)
    with node.agent() as agent:

        def repaired(what: str) -> None:
            wait_until(node.is_right, agent.process, what)
            assert node.taken_by_runtime()[1].count("ambient-cni") == 1

        repaired("at start")
        (node.conf / "10-flannel.conflist").write_text(FLANNEL)
        repaired("written in place")
        node.write("10-flannel.conflist", "".join(FLANNEL.split()))
        repaired("replaced")
        node.plugin.unlink()
        repaired("plugin deleted")
        node.plugin.write_bytes(b"")
        wait_until(
            lambda: node.plugin.read_bytes() == PLUGIN.read_bytes(), agent.process, "overwritten"
        )
        node.write("05-multus.conf", SINGLE)
        repaired("a new first file")
        assert node.taken_by_runtime()[0] == "05-multus.ambient-cni.conflist"
        wait_until(
            lambda: "ambient-cni" not in (node.conf / "10-flannel.conflist").read_text(),
            agent.process,
            "only the first one has it",
        )
        (node.conf / "05-multus.conf").unlink()
        wait_until(
            lambda: sorted(path.name for path in node.conf.iterdir()) == ["10-flannel.conflist"],
            agent.process,
            "our list goes with the one that it was about",
        )
        repaired("the first file is gone")
        before = node.files()
        agent.stop()
    assert node.files() == before, "stopping leaves everything in place"


def test_waits_for_the_primary_cni_and_for_its_second_half(node: Installation) -> None:
    with node.agent() as agent:
        agent.wait_for_line("not installed on this node", "waiting for the primary CNI")
        for end in (1, 60, 200, 250):
            # In place, as a program that does not take care writes.
            (node.conf / "10-flannel.conflist").write_text(FLANNEL[:end])
        # Empty or half, as it happened to find it.
        agent.wait_for_line("not installed on this node", "10-flannel.conflist")
        assert (node.conf / "10-flannel.conflist").read_text() == FLANNEL[:250]
        (node.conf / "10-flannel.conflist").write_text(FLANNEL)
        agent.wait_for_line('event="installed on this node"')
        lines = agent.stop()
    assert node.is_right()
    told = [line for line in lines if "not installed" in line and "10-flannel.conflist" in line]
    assert len(told) == 1, "said once"


@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "by rename"])
def test_another_writer_in_a_loop(node: Installation, in_place: bool) -> None:
    """Its last word stands, with our entry."""
    node.write("10-flannel.conflist", FLANNEL)
    with node.agent() as agent:
        wait_until(node.is_right, agent.process, "at start")
        end = time.monotonic() + 1
        number = 0
        while time.monotonic() < end:
            number += 1
            text = FLANNEL.replace("cbr0", f"cbr{number}")
            if in_place:
                (node.conf / "10-flannel.conflist").write_text(text)
            else:
                node.write("10-flannel.conflist", text)
        wait_until(node.is_right, agent.process, "after the last write")
        agent.stop()
    path = node.conf / "10-flannel.conflist"
    assert number > 20 and f'"cbr{number}"' in path.read_text()
    assert types_of(path.read_text()) == ["flannel", "portmap", "ambient-cni"]
    node.uninstall()
    assert path.read_text() == text


def test_one_who_undoes_each_repair_is_answered_ever_less_often(node: Installation) -> None:
    path = node.write("10-flannel.conflist", FLANNEL)
    with node.agent() as agent:
        end = time.monotonic() + 2
        answers = 0
        while time.monotonic() < end:
            wait_until(node.is_right, agent.process, "the next answer")
            answers += 1
            node.write("10-flannel.conflist", FLANNEL)
        wait_until(node.is_right, agent.process, "after the last one")
        lines = agent.stop()
    assert types_of(path.read_text()) == ["flannel", "portmap", "ambient-cni"]
    # 50 ms after the first, then 100, 200, 400, 800, 1600.
    assert answers <= 7, answers
    assert len([line for line in lines if "network configuration changed" in line]) <= 8, lines


def test_stopped_while_another_one_undoes_it(node: Installation) -> None:
    """The next answer is due in more than a second, and the agent is told to stop now."""
    path = node.write("10-flannel.conflist", FLANNEL)
    with node.agent() as agent:
        for _ in range(6):
            wait_until(node.is_right, agent.process, "the next answer")
            node.write("10-flannel.conflist", FLANNEL)
        agent.stop()
    assert types_of(path.read_text()) == ["flannel", "portmap", "ambient-cni"]


def test_a_local_user_who_locks_the_folders_stops_nothing(node: Installation) -> None:
    """Anybody can open a folder that anybody can read, and so lock it (flock(2))."""
    node.write("10-flannel.conflist", FLANNEL)
    with contextlib.ExitStack() as locks:
        for folder in (node.conf, node.bin):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            locks.callback(os.close, fd)
            fcntl.flock(fd, fcntl.LOCK_EX)
        with node.agent() as agent:
            wait_until(node.is_right, agent.process, "at start")
            node.write("10-flannel.conflist", FLANNEL)
            wait_until(node.is_right, agent.process, "again")
            agent.stop()


def test_without_inotify_it_looks_from_time_to_time(node: Installation) -> None:
    slow = Installation(node.folder / "slow", {"resync_seconds": 1})
    slow.write("10-flannel.conflist", FLANNEL)
    limit = "echo 0 >/proc/sys/user/max_inotify_instances && exec \"$@\""
    with slow.agent("unshare", "--user", "--map-root-user", "--net", "sh", "-c", limit, "sh") as agent:
        agent.wait_for_line("installation only looked at from time to time")
        wait_until(slow.is_right, agent.process, "at start")
        slow.write("10-flannel.conflist", FLANNEL)
        wait_until(slow.is_right, agent.process, "at the next look")
        (slow.folder / "objects" / "pod.yaml").write_text("kind: Pod\nmetadata: [")
        agent.wait_for_line("source not read", "pod.yaml")
        agent.wait_for_line("socket only looked at from time to time")
        socket = slow.folder / "agent.sock"
        socket.unlink()
        wait_until(socket.exists, agent.process, "the socket, at the next look")


def test_uninstall_beside_a_running_agent_is_refused(node: Installation) -> None:
    node.write("10-flannel.conflist", FLANNEL)
    with node.agent() as agent:
        agent.wait_for_line('event="installed on this node"')
        before = node.files()
        done = node.run("uninstall")
        assert done.returncode == 1 and "an agent is running" in done.stderr
        assert node.files() == before
