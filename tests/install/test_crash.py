"""Killed at any moment, or without room on the disk: the node's network works on, and the next time
all is right."""

import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.installation import FLANNEL, PLUGIN, SINGLE, Installation


def check_usable(node: Installation) -> None:
    """A network configuration that a runtime can use, with our entry at most once, and only with
    the whole plugin in its place."""
    chain = node.taken_by_runtime()[1]
    assert chain.count("ambient-cni") <= 1 and chain[0] in ("flannel", "bridge")
    if "ambient-cni" in chain or node.plugin.exists():
        assert node.plugin.read_bytes() == PLUGIN.read_bytes()
        assert os.access(node.plugin, os.X_OK)


@pytest.mark.parametrize(
    ("name", "text"),
    [("10-flannel.conflist", FLANNEL), ("10-bridge.conf", SINGLE)],
    ids=["list", "one plugin alone"],
)
def test_killed_at_any_moment(node: Installation, name: str, text: str) -> None:
    def run(command: str, deadline: float | None) -> float:
        """How long it took; killed at the deadline."""
        start = time.monotonic()
        process = subprocess.Popen(
            ["unshare", "--net", *node.command(command)], stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return time.monotonic() - start

    chance = random.Random(1)
    node.write(name, text)
    whole = run("install", None)
    for _ in range(15):
        run("uninstall", chance.uniform(0, whole))
        check_usable(node)
        run("uninstall", None)
        for _ in range(2):
            run("install", chance.uniform(0, whole))
            check_usable(node)
    node.install()
    assert node.is_right()
    node.uninstall()
    assert sorted(path.name for path in node.conf.iterdir()) == [name]
    assert (node.conf / name).read_text() == text
    assert not list(node.bin.iterdir())


@pytest.mark.parametrize("limit", [0, 64 * 1024])
def test_killed_in_the_middle_of_a_file(node: Installation, limit: int) -> None:
    """By the signal of a limit on the size of files."""
    node.write("10-flannel.conflist", FLANNEL)
    done = subprocess.run(
        node.command("install"),
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == -signal.SIGXFSZ
    assert [path.stat().st_size for path in node.bin.iterdir()] == [limit]
    check_usable(node)
    node.install()
    assert node.is_right() and len(node.files()) == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "none", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return filler


def check_full(node: Installation, disk: Path) -> None:
    """Nothing is changed as long as there is no room; then all is."""
    filler = fill(disk)
    before = node.files()
    done = node.run("install")
    assert done.returncode == 1 and "No space left on device" in done.stderr
    assert node.files() == before
    filler.unlink()
    node.install()
    assert node.is_right()


def test_no_room_for_the_plugin(small_disk: Path) -> None:
    node = Installation(small_disk / "node")
    node.write("10-flannel.conflist", FLANNEL)
    check_full(node, small_disk)


def test_no_room_for_the_configuration(small_disk: Path) -> None:
    node = Installation(small_disk / "node")
    node.write("10-flannel.conflist", FLANNEL)
    node.install()
    node.write("10-flannel.conflist", FLANNEL)
    node.write("05-bridge.conf", SINGLE)
    check_full(node, small_disk)


def test_folder_that_cannot_be_written(small_disk: Path) -> None:
    node = Installation(small_disk / "node")
    node.write("10-flannel.conflist", FLANNEL)
    node.install()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    node.install()  # nothing is left to do, so nothing is written
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    node.write("10-flannel.conflist", FLANNEL)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    done = node.run("install")
    assert done.returncode == 1 and "Read-only file system" in done.stderr
    assert (node.conf / "10-flannel.conflist").read_text() == FLANNEL
