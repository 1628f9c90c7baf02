"""The plugin runs on any host with nothing installed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from plugin import BINARY, VERSIONS


def test_is_linked_statically() -> None:
    for option, sign in (("--program-headers", "INTERP"), ("--dynamic", "NEEDED")):
        said = subprocess.run(
            ["readelf", option, BINARY], text=True, capture_output=True, check=True
        )
        assert sign not in said.stdout


def test_runs_in_an_empty_root(tmp_path: Path) -> None:
    shutil.copy(BINARY, tmp_path / "ambient-cni")
    answer = subprocess.run(
        ["chroot", str(tmp_path), "/ambient-cni"],
        env={"CNI_COMMAND": "VERSION", "PATH": os.environ["PATH"]},
        input='{"cniVersion": "1.0.0"}',
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {"cniVersion": "1.0.0", "supportedVersions": VERSIONS}
