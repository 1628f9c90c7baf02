"""The Dockerfile makes the same image. There is no Docker here: its steps are read, and the one
that makes the image is run."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path

from support.deploy import render
from support.deploy.image_archive import AGENT, BUILDER

STEP = re.compile(r"^(FROM|WORKDIR|COPY|RUN|USER|ENTRYPOINT) (.*)$")


def _steps() -> list[tuple[str, str]]:
    lines = (render.ROOT / "Dockerfile").read_text().splitlines()
    steps = [STEP.match(line) for line in lines if line and not line.startswith("#")]
    assert all(steps), "a line that is none of the known instructions"
    return [(step[1], step[2]) for step in steps]


def test_its_steps_are_those_of_the_build() -> None:
    assert [words for name, words in _steps() if name == "RUN"] == [
        "tests/ci/install-deps --build",
        "./run build",
        "image/build --build build/release --root /image",
    ]
    for name, words in _steps():
        if name == "COPY" and not words.startswith("--from"):
            *sources, _to = words.split()
            assert all((render.ROOT / source).exists() for source in sources), words


def test_the_result_is_what_the_archive_says() -> None:
    assert _steps()[-4:] == [
        ("FROM", "scratch"),
        ("COPY", "--from=build /image/ /"),
        ("USER", "0:0"),
        ("ENTRYPOINT", json.dumps([f"/{AGENT}"])),
    ]


def test_the_folder_holds_what_the_layer_holds(root: tarfile.TarFile, tmp_path: Path) -> None:
    made = tmp_path / "image"
    subprocess.run([*BUILDER, "--root", str(made)], check=True, umask=0o077)
    assert {str(path.relative_to(made)) for path in made.rglob("*")} == set(root.getnames())
    for member in root.getmembers():
        path = made / member.name
        if member.issym():
            assert str(path.readlink()) == member.linkname
        else:
            assert path.stat().st_mode & 0o777 == member.mode, member.name
        if member.isfile():
            assert path.read_bytes() == root.extractfile(member).read(), member.name
