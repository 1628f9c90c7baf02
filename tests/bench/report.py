"""The table that a person reads."""

from __future__ import annotations

import os
from pathlib import Path

from plot import plot

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
    memory = large["memory_after_adds_kib"]
    rows = [(f"plugin ADD / loopback VERSION, {pods} pods", "<= 0.6",
             f"{ratio[pods]:.2f} ({column['nodes'][pods]['process_ms']['add']:.2f} ms"
             f" / {column['nodes'][pods]['process_ms']['loopback']:.2f} ms)") for pods in (SMALL, LARGE)]  # fmt: skip
    for pods in (SMALL, LARGE):
        times = column["nodes"][pods]["process_ms"]
        rows.append((f"ADD of a pod with a sidecar / of an ambient one, {pods} pods", "<= 1.3",
                     f"{times['sidecar'] / times['add']:.2f} ({times['sidecar']:.2f} ms / {times['add']:.2f} ms)"))  # fmt: skip
    rows += [
        ("cold reconcile, 1,000 pods", "<= 25 ms", _both(reconcile["reconcile_cold"])),
        ("reconcile with nothing to do, 1,000 pods", "<= 4 ms", _both(reconcile["reconcile_nothing_to_do"])),
        ("the same after forgetting the pods' devices", "<= 9 ms", _both(reconcile["reconcile_resync"])),
        ("pod event (add, added, del), 10 pods", "", _both(few["pod_event"])),
        ("pod event, 1,000 pods", "", _both(reconcile["pod_event"])),
        ("agent's resident memory, 1,000 pods", "<= 9 MiB", f"{memory['VmRSS'] / 1024:.1f} MiB"),
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


# What is to cost the same however many pods there are, and what looks at all of them.
EVENTS = {"ADD": ("process_cpu_ms", "add"), "DEL": ("process_cpu_ms", "del"), "pod event, agent": ("reconcile", "pod_event")}
LOOKS = {
    "cold": ("reconcile", "reconcile_cold"),
    "resync": ("reconcile", "reconcile_resync"),
    "nothing to do": ("reconcile", "reconcile_nothing_to_do"),
}


def _growth(column: dict, what: tuple[str, str]) -> list[tuple[int, float]]:
    """Milliseconds of processor time by the number of pods."""
    group, name = what
    found = [(int(pods), node[group][name]) for pods, node in column["nodes"].items()]
    return sorted((pods, value["cpu"] if isinstance(value, dict) else value) for pods, value in found)


def growth_table(column: dict) -> str:
    """How costs grow with the node."""
    sizes = sorted(int(pods) for pods in column["nodes"])
    lines = ["| processor time, ms | " + " | ".join(f"{size:,} pods" for size in sizes) + " | largest / smallest; of an event <= 1.5 |"]
    lines.append("|---|" + "---|" * (len(sizes) + 1))
    for name, what in (EVENTS | LOOKS).items():
        values = [value for _, value in _growth(column, what)]
        cells = " | ".join(f"{value:.2f}" for value in values)
        lines.append(f"| {name} | {cells} | {values[-1] / values[0]:.2f} |")
    return "\n".join(lines) + "\n"


def plots(column: dict) -> dict[str, str]:
    """Two pictures by their names: what an event costs, and a look at everything."""
    return {
        "events": plot("An event, by the pods on the node", {name: _growth(column, what) for name, what in EVENTS.items()}),
        "looks": plot("A look at everything, by the pods", {name: _growth(column, what) for name, what in LOOKS.items()}),
    }


def table(columns: list[dict]) -> str:
    cells = [_cells(column) for column in columns]
    lines = [f"Machine: {_machine()}. Medians; in brackets the processor time.", ""]
    lines.append("| what | target | " + " | ".join(_title(column) for column in columns) + " |")
    lines.append("|---|---|" + "---|" * len(columns))
    for row in zip(*cells, strict=True):
        what, target, _ = row[0]
        lines.append(f"| {what} | {target} | " + " | ".join(value for _, _, value in row) + " |")
    return "\n".join(lines) + "\n"
