"""Random churn for AMBIENT_SOAK_MINUTES (2), from AMBIENT_SOAK_SEED (else random, and told): afterwards
the kernel is as it should be, and nothing has leaked."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn import Churn
from support.kernel_view import links, snapshot
from support.kube.kube_node import PLUGINS, KubeNode

MINUTES = float(os.environ.get("AMBIENT_SOAK_MINUTES", "2"))
ASKED_SEED = os.environ.get("AMBIENT_SOAK_SEED", "random")
SEED = random.randrange(10**6) if ASKED_SEED == "random" else int(ASKED_SEED)
# Keep-alive connections to the API server come and go.
DESCRIPTORS_MORE = 3
MEMORY_MORE = 2 << 20  # bytes; the allocator's own rounding
LOG_SHOWN = 60


@pytest.fixture
def node(tmp_path: Path) -> Iterator[KubeNode]:
    with KubeNode(tmp_path / "kube") as made:
        yield made


def descriptors(pid: int) -> list[str]:
    """What each descriptor is."""
    found = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        found.append(os.readlink(path))
    return sorted(found)


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def start(node: KubeNode) -> None:
    node.agent.start()
    node.agent.wait_ready()


def test_soak(node: KubeNode) -> None:
    print(f"AMBIENT_SOAK_SEED={SEED} AMBIENT_SOAK_MINUTES={MINUTES}")
    before, namespaces = snapshot(node.netns), set(os.listdir("/run/netns"))
    conf_before, bin_before = files(node.conf_dir), files(node.bin_dir)
    node.agent.start()
    node.agent.wait_serving()
    node.start_ztunnel()
    node.agent.wait_ready()
    churn = Churn(node, SEED)
    try:
        churn.run(MINUTES * 60 / 3, restarts=True)
        node.agent.stop()
        start(node)
        churn.settle()
        check_last_agent(node, churn)
        check_end(node)
    except BaseException:
        print("\n".join([*churn.log[-LOG_SHOWN:], "the agent:", *node.agent.log()[-LOG_SHOWN:]]))
        raise
    node.remove_ztunnel()
    node.agent.stop()
    node.agent.uninstall()
    assert snapshot(node.netns) == before
    assert set(os.listdir("/run/netns")) == namespaces
    assert (files(node.conf_dir), files(node.bin_dir)) == (conf_before, bin_before)
    assert node.conf_file.read_text() == node.primary
    assert not files(node.folder / "agent" / "state")


def check_last_agent(node: KubeNode, churn: Churn) -> None:
    """One process over the longest part: what it holds at the end is what it held at first."""
    opened = descriptors(node.agent.pid)
    churn.run(MINUTES * 60 / 6, restarts=False)
    memory = resident(node.agent.pid)
    churn.run(MINUTES * 60 / 2, restarts=False)
    churn.end()
    opened_after, memory_after = descriptors(node.agent.pid), resident(node.agent.pid)
    print(
        f"{len(churn.log)} actions; descriptors {len(opened)} -> {len(opened_after)}, "
        f"resident {memory >> 10} -> {memory_after >> 10} KiB"
    )
    assert len(opened_after) <= len(opened) + DESCRIPTORS_MORE, (opened, opened_after)
    assert memory_after <= memory + MEMORY_MORE


def check_end(node: KubeNode) -> None:
    """All pods are gone but the ztunnel: so is everything that was theirs."""
    assert node.is_whole() and node.captured() == set()
    done = node.agent.dry_run()
    assert done.returncode == 0 and "nothing to do" in done.stdout, done.stdout + done.stderr
    devices = [name for name in links(node.netns) if name not in ("lo", "eth0")]
    assert sorted(name for name in devices if not name.startswith("veth")) == ["istioin", "istioout"]
    assert len(devices) == 3, f"beside the ztunnel's veth: {devices}"
    assert files(node.conf_dir) == {node.conf_file.name}
    assert files(node.bin_dir) == {*PLUGINS, "ambient-cni"}
