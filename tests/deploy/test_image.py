"""The archive itself: what it must hold, how large it may be, and that it is always the same."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from support.deploy import render
from support.deploy.image_archive import AGENT, BUILDER, PLUGIN, Archive

import closure

LIMIT = 25 * 2**20


def test_it_is_small(archive: Path) -> None:
    assert archive.stat().st_size <= LIMIT


def test_the_same_input_makes_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    """Again, from another folder, by someone with other habits."""
    again = tmp_path / "again"
    subprocess.run(
        [*BUILDER, "--output", str(again)],
        check=True,
        cwd=tmp_path,
        umask=0o077,
        env={"PATH": os.environ["PATH"], "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"},
    )
    assert again.read_bytes() == archive.read_bytes()


def test_nothing_of_the_machine_that_made_it_shows(image: Archive, root: tarfile.TarFile) -> None:
    for member in [*image.members, *root.getmembers()]:
        assert (member.mtime, member.uid, member.gid) == (0, 0, 0), member.name
        assert (member.uname, member.gname) == ("", ""), member.name
    for program in (AGENT, PLUGIN):
        assert str(render.ROOT).encode() not in root.extractfile(program).read()


def test_names_are_sorted_and_every_folder_is_there(root: tarfile.TarFile) -> None:
    names = root.getnames()
    assert names == sorted(names)
    assert {str(Path(name).parent) for name in names} - {"."} <= set(names)


def test_its_digests_and_labels(image: Archive) -> None:
    digest = "sha256:" + hashlib.sha256(image.layer).hexdigest()
    assert image.config["rootfs"]["diff_ids"] == [digest]
    assert image.config["config"]["Entrypoint"] == [f"/{AGENT}"]
    labels = image.config["config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "ambient-cni"
    assert image.manifest["annotations"] == labels
    assert image.json("oci-layout") == {"imageLayoutVersion": "1.0.0"}


def test_its_name_is_the_one_that_the_manifests_ask_for(
    image: Archive, base: render.Objects
) -> None:
    name = image.described["annotations"]["io.containerd.image.name"]
    assert name == render.container(base)["image"]


def _needed(program: Path) -> set[str]:
    """The libraries that the file itself names, by a tool that the builder does not ask."""
    said = subprocess.run(
        ["objdump", "--private-headers", str(program)], check=True, capture_output=True, text=True
    ).stdout
    return {line.split()[1] for line in said.splitlines() if line.strip().startswith("NEEDED")}


def test_every_library_is_there_and_no_other(root: tarfile.TarFile, tmp_path: Path) -> None:
    files = {Path(name).name: name for name in root.getnames() if ".so" in name}
    agent = Path(os.environ["AMBIENT_BUILD"]) / "node-agent/ambient-node-agent"
    # The one that it loads by itself, when there is an API server to talk to.
    wanted, done = _needed(agent) | {"libcurl.so.4"}, set()
    while missing := wanted - done:
        name = missing.pop()
        copy = tmp_path / name
        copy.write_bytes(root.extractfile(files[name]).read())
        wanted |= _needed(copy)
        done.add(name)
    loader = {name for name in files if name.startswith("ld-linux")}
    assert len(loader) == 1
    assert files.keys() == done | loader


def test_a_library_that_is_loaded_later_and_not_there_is_named() -> None:
    agent = Path(os.environ["AMBIENT_BUILD"]) / "node-agent/ambient-node-agent"
    with pytest.raises(FileNotFoundError, match=r"ambient-node-agent needs libnone\.so\.4"):
        closure.libraries(agent, "libnone.so.4")


def test_what_is_mounted_has_its_place(root: tarfile.TarFile, base: render.Objects) -> None:
    for mount in render.container(base)["volumeMounts"]:
        assert root.getmember(mount["mountPath"].strip("/")).isdir()


def test_nothing_gives_rights_and_all_can_be_read(root: tarfile.TarFile) -> None:
    for member in root.getmembers():
        assert member.mode & 0o6000 == 0, member.name
        assert member.issym() or member.mode & 0o022 == 0, member.name
    programs = {
        member.name for member in root.getmembers() if member.isfile() and member.mode & 0o111
    }
    assert {AGENT, PLUGIN} <= programs and len(programs) == 3  # and the loader


def test_certificates(root: tarfile.TarFile) -> None:
    content = root.extractfile("etc/ssl/certs/ca-certificates.crt").read()
    assert content.count(b"BEGIN CERTIFICATE") > 50
