"""What ./run tells by its exit status and its last line: tests/ci/steps.sh with commands that are made up."""

import os
import select
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(tmp_path: Path, steps: str) -> subprocess.CompletedProcess:
    """Runs the steps as ./run does, with logs in tmp_path."""
    script = f"set -euo pipefail\nroot={ROOT}\ncd {tmp_path}\nsource $root/tests/ci/steps.sh\nlogs={tmp_path}\n{steps}\n"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)


def ending(result: subprocess.CompletedProcess) -> tuple[int, str]:
    return result.returncode, result.stdout.splitlines()[-1]


PYTEST_LINE = "echo '===== 2 passed{} in 0.01s ====='"


@pytest.mark.parametrize(
    ("steps", "status", "last"),
    [
        ("check a true; finish", 0, "1 passed, 0 failed"),
        ("check a false; check b true; finish", 1, "1 passed, 1 failed"),
        ("must a false; check b true; finish", 1, "0 passed, 1 failed"),
        ("begin a true; check a follow a; finish", 0, "1 passed, 0 failed"),
        ("begin a false; check a follow a; finish", 1, "0 passed, 1 failed"),
        ("begin a sleep 60; check b true; finish", 0, "1 passed, 0 failed"),
        (f"say() {{ {PYTEST_LINE.format('')}; }}; tests a say; finish", 0, "2 passed, 0 failed"),
        (f"say() {{ {PYTEST_LINE.format(', 1 failed')}; false; }}; tests a say; finish", 1, "2 passed, 1 failed"),
        (f"say() {{ {PYTEST_LINE.format(', 1 skipped')}; }}; tests a say; finish", 1, "2 passed, 1 failed"),
        ("tests a false; finish", 1, "0 passed, 1 failed"),
        ("tests a true; finish", 1, "0 passed, 1 failed"),
    ],
)
def test_status_and_last_line_agree(tmp_path, steps, status, last):
    assert ending(run(tmp_path, steps)) == (status, last)


def test_what_was_begun_is_ended_with_the_run(tmp_path):
    # The command's own process: it is told apart from keep-status, which started it.
    command = f"bash -c 'echo $$ >{tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 60'"
    result = run(tmp_path, f"begin a {command}; until [[ -e pid ]]; do :; done; check b true; finish")
    assert result.returncode == 0
    try:
        left = os.pidfd_open(int((tmp_path / "pid").read_text()))
    except ProcessLookupError:
        return
    ended, _, _ = select.select([left], [], [], 20)
    os.close(left)
    assert ended
