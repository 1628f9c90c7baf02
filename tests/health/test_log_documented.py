"""Every warning that the agent can log is explained."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CALL = re.compile(r"log\(([^;]*?LogLevel::warning[^;]*?);", re.DOTALL)
# Told of by the name of what is followed.
FOLLOWED = ("pods not followed", "namespaces not followed")


def warnings_in_the_source() -> set[str]:
    events: set[str] = set()
    for source in (ROOT / "node-agent").rglob("*.cpp"):
        for call in CALL.findall(source.read_text()):
            event = re.search(r'"([^"]+)"', call)
            assert event, call
            events.add(event.group(1))
    return events


def test_every_warning_is_explained_and_every_explained_one_exists() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.split("## Failures, as the log names them", 1)[1].split("\n## ", 1)[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    explained = {event for row in rows for event in re.findall(r"`([^`]+)`", row)}
    found = warnings_in_the_source()
    assert " not followed" in found
    assert explained == (found - {" not followed"}) | set(FOLLOWED)
