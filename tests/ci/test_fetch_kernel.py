"""Which kernel tests/vm/fetch-kernel takes; apt and dpkg are made up."""

import os
import subprocess
from pathlib import Path

import pytest

FETCH = Path(__file__).resolve().parents[1] / "vm/fetch-kernel"
PINNED = next(
    line.split("=")[1] for line in FETCH.read_text().splitlines() if line.startswith("pinned=")
)
NEWEST = "99.0.0-1"
# A package's name stands in its file, so that what was unpacked can be told.
TOOLS = {
    "dpkg": "echo m68k",
    "apt-cache": f"echo '  Depends: linux-image-{NEWEST}-m68k'",
    "apt-get": '[[ " $CAN_BE_HAD " == *" $3 "* ]] && echo "$3" >"$3.deb"',
    "dpkg-deb": 'mkdir "$3" && cp "$2" "$3/unpacked"',
    "depmod": '[[ -d $2 ]]',
}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    for name, body in TOOLS.items():
        tool = tmp_path / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/bash\n{body}\n")
        tool.chmod(0o755)
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def fetch(cache: Path, *versions: str) -> subprocess.CompletedProcess:
    """With these versions to be had."""
    packages = " ".join(f"linux-image-{version}-m68k" for version in versions)
    path = f"{cache.parent / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "AMBIENT_CACHE": str(cache), "CAN_BE_HAD": packages}
    return subprocess.run([FETCH], env=environment, capture_output=True, text=True, check=False)


def unpacked(cache: Path) -> str:
    version = (cache / "kernel/version").read_text().strip()
    assert (cache / "kernel/unpacked").read_text().strip() == f"linux-image-{version}"
    assert [path.name for path in cache.iterdir()] == ["kernel"], "nothing else is left"
    return version.removesuffix("-m68k")


def test_the_pinned_one(cache: Path) -> None:
    assert fetch(cache, PINNED, NEWEST).returncode == 0
    assert unpacked(cache) == PINNED


def test_the_newest_where_the_pinned_one_is_gone(cache: Path) -> None:
    done = fetch(cache, NEWEST)
    assert done.returncode == 0 and NEWEST in done.stderr
    assert unpacked(cache) == NEWEST
    # Again: nothing is downloaded that is there.
    assert fetch(cache).returncode == 0
    assert unpacked(cache) == NEWEST


def test_what_is_there_stays_until_another_is(cache: Path) -> None:
    fetch(cache, NEWEST)
    assert fetch(cache, PINNED, NEWEST).returncode == 0
    assert unpacked(cache) == PINNED
    (cache / "kernel/version").write_text("1.0-m68k\n")
    (cache / "kernel/unpacked").write_text("linux-image-1.0-m68k\n")
    assert fetch(cache).returncode != 0
    assert unpacked(cache) == "1.0"
