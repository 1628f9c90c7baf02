"""`install` and `uninstall`, once each."""

import os
import subprocess
from pathlib import Path

import pytest
from support.installation import FLANNEL, PLUGIN, SINGLE, Installation

# What the container has of root's powers with manifests/components/foreign-folders.
CONTAINER = (
    "setpriv",
    "--bounding-set=-all,+dac_override,+chown,+net_admin,+sys_admin",
    "--no-new-privs",
)


def tabs(text: str) -> str:
    return text.replace("  ", "\t")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("10-flannel.conflist", FLANNEL),
        ("10-flannel.conflist", tabs(FLANNEL).rstrip()),
        ("10-flannel.conflist", FLANNEL.replace("\n", "\r\n")),
        ("10-flannel.conflist", "".join(FLANNEL.split())),
        ("10-bridge.conf", SINGLE),
        ("10-bridge.json", SINGLE + "\n\n"),
    ],
    ids=["spaces", "tabs", "crlf", "one line", "conf", "json"],
)
def test_in_place_and_back_byte_for_byte(node: Installation, name: str, text: str) -> None:
    path = node.conf / name
    path.write_bytes(text.encode())
    path.chmod(0o640)
    os.chown(path, 1234, 5678)
    before = node.files()
    node.install()
    first, chain = node.taken_by_runtime()
    assert chain[-1] == "ambient-cni" and chain.count("ambient-cni") == 1 and len(chain) > 1
    found = (node.conf / first).stat()
    assert (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (0o640, 1234, 5678)
    assert node.plugin.read_bytes() == PLUGIN.read_bytes()
    assert node.plugin.stat().st_mode & 0o7777 == 0o755
    installed = node.files()
    node.install()
    assert node.files() == installed
    node.uninstall()
    assert node.files() == before
    node.uninstall()
    assert node.files() == before


def test_the_second_time_writes_nothing(node: Installation) -> None:
    node.write("10-flannel.conflist", FLANNEL)
    node.install()
    stamps = [path.stat().st_ctime_ns for path in (node.plugin, node.conf / "10-flannel.conflist")]
    done = node.run("install")
    assert done.returncode == 0 and done.stderr == ""
    assert stamps == [
        path.stat().st_ctime_ns for path in (node.plugin, node.conf / "10-flannel.conflist")
    ]


def test_with_the_containers_powers_in_somebody_elses_folders(node: Installation) -> None:
    """Kubespray, for one, gives both folders to a user of its own."""
    path = node.write("10-flannel.conflist", FLANNEL)
    for owned in (path, node.conf, node.bin):
        os.chown(owned, 1234, 5678)
        owned.chmod(0o755 if owned.is_dir() else 0o600)
    node.install(*CONTAINER)
    assert node.is_right()
    assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o7777) == (
        1234,
        5678,
        0o600,
    )


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("", "", "waiting for the primary CNI"),
        ("10-x.conflist", FLANNEL[:200], "not valid JSON"),
        ("10-x.conflist", "", "is empty"),
        ("10-x.conflist", '{"cniVersion": "0.2.0", "plugins": [{"type": "a"}]}', "cniVersion 0.2.0"),
        ("10-x.conf", FLANNEL, "name it NAME.conflist"),
    ],
    ids=["nothing", "half", "empty", "old version", "list in a .conf"],
)
def test_nothing_to_stand_behind(node: Installation, name: str, text: str, sentence: str) -> None:
    if name:
        node.write(name, text)
    before = {path: value for path, value in node.files().items() if path.startswith("net.d")}
    done = node.run("install")
    assert done.returncode == 1 and sentence in done.stderr, done.stderr
    assert str(node.conf) in done.stderr
    after = {path: value for path, value in node.files().items() if path.startswith("net.d")}
    assert after == before


def test_no_plugin_no_entry(node: Installation, tmp_path: Path) -> None:
    node.write("10-flannel.conflist", FLANNEL)
    node.bin.rmdir()
    done = node.run("install")
    assert done.returncode == 1 and str(node.bin) in done.stderr
    assert (node.conf / "10-flannel.conflist").read_text() == FLANNEL


def test_uninstall_with_nothing_there(node: Installation) -> None:
    node.conf.rmdir()
    node.bin.rmdir()
    node.uninstall()


def test_uninstall_leaves_other_peoples_files(node: Installation) -> None:
    node.write("10-flannel.conflist", FLANNEL)
    node.write("README", "ambient-cni was here")
    node.install()
    node.plugin.write_bytes(b"another program")
    node.uninstall()
    assert node.plugin.read_bytes() == b"another program"
    assert (node.conf / "README").read_text() == "ambient-cni was here"


def test_uninstall_knows_another_version_of_the_plugin(node: Installation) -> None:
    node.write("10-flannel.conflist", FLANNEL)
    node.install()
    node.plugin.write_bytes(PLUGIN.read_bytes() + b"of another build")
    node.uninstall()
    assert not node.plugin.exists()


def test_two_at_the_same_time(node: Installation) -> None:
    for _ in range(10):
        path = node.write("10-flannel.conflist", FLANNEL)
        node.plugin.unlink(missing_ok=True)
        both = [
            subprocess.Popen(node.command("install"), text=True, stderr=subprocess.PIPE)
            for _ in range(2)
        ]
        errors = [process.communicate(timeout=60)[1] for process in both]
        assert [process.returncode for process in both] == [0, 0], errors
        assert node.taken_by_runtime()[1] == ["flannel", "portmap", "ambient-cni"]
        assert sorted(node.files()) == ["bin/ambient-cni", f"net.d/{path.name}"]
