"""The table that a person reads."""

from __future__ import annotations

import os
from pathlib import Path

SMALL, LARGE = "10", "1000"


def _machine() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} processors"
    return f"{os.cpu_count()} processors"


def _title(column: dict) -> str:
    return column["kernel"] + (", stand-in tunnels" if column["stand_in"] else ", Geneve")


def _both(times: dict) -> str:
    return f"{times['time']:.2f} ms ({times['cpu']:.2f})"


def _instructions(count: int | None) -> str:
    return f"{count / 1e6:.2f} M" if count else "-"


def _cells(column: dict) -> list[tuple[str, str, str]]:
    """What, target, value."""
    small, large = column["nodes"][SMALL], column["nodes"][LARGE]
    reconcile, few = large["reconcile"], small["reconcile"]
    ratio = {name: node["process_ms"]["add"] / node["process_ms"]["loopback"] for name, node in column["nodes"].items()}
    events = reconcile["pod_event"]["cpu"] / few["pod_event"]["cpu"]
    memory = large["memory_after_adds_kib"]
    rows = [(f"plugin ADD / loopback VERSION, {pods} pods", "<= 1.0",
             f"{ratio[pods]:.2f} ({column['nodes'][pods]['process_ms']['add']:.2f} ms"
             f" / {column['nodes'][pods]['process_ms']['loopback']:.2f} ms)") for pods in (SMALL, LARGE)]  # fmt: skip
    rows += [
        ("cold reconcile, 1,000 pods", "<= 50 ms", _both(reconcile["reconcile_cold"])),
        ("reconcile with nothing to do, 1,000 pods", "<= 10 ms", _both(reconcile["reconcile_nothing_to_do"])),
        ("the same after forgetting the pods' devices", "", _both(reconcile["reconcile_resync"])),
        ("pod event (add, added, del), 10 pods", "", _both(few["pod_event"])),
        ("pod event, 1,000 pods", "", _both(reconcile["pod_event"])),
        ("pod event, 1,000 / 10 pods, processor time", "<= 3", f"{events:.2f}"),
        ("agent's resident memory, 1,000 pods", "<= 12 MiB", f"{memory['VmRSS'] / 1024:.1f} MiB"),
        ("its highest (reading the source)", "", f"{memory['VmHWM'] / 1024:.1f} MiB"),
        ("agent's start until ready, 1,000 pods", "", f"{large['started_s']:.2f} s"),
    ]
    for name in ("diff_nothing_to_do", "diff_cold", "desired_state"):
        rows.append((f"{name}, 1,000 pods", "", _both(column["diff"][name])))
    rows += [
        ("instructions: diff_nothing_to_do", "", _instructions(column["diff"]["diff_nothing_to_do"].get("instructions"))),
        ("instructions: diff_cold", "", _instructions(column["diff"]["diff_cold"].get("instructions"))),
        ("instructions: plugin ADD, 1,000 pods", "", _instructions(large.get("add_instructions"))),
    ]
    return rows


def table(columns: list[dict]) -> str:
    cells = [_cells(column) for column in columns]
    lines = [f"Machine: {_machine()}. Medians; in brackets the processor time.", ""]
    lines.append("| what | target | " + " | ".join(_title(column) for column in columns) + " |")
    lines.append("|---|---|" + "---|" * len(columns))
    for row in zip(*cells, strict=True):
        what, target, _ = row[0]
        lines.append(f"| {what} | {target} | " + " | ".join(value for _, _, value in row) + " |")
    return "\n".join(lines) + "\n"
