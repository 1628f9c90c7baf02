#!/usr/bin/python3
"""Measures everything on the running kernel; prints the numbers as JSON. Called by ./run."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from processes import Plugin, alternate, instructions, running_agent
from scene import Scene, scene_of

SIZES = (10, 100, 1000, 5000)
LARGE = 1000  # of which the goals speak


def progress(text: str) -> None:
    print(f"    {text}", file=sys.stderr, flush=True)


def google_benchmark(command: list[str], repetitions: int) -> dict[str, dict[str, float]]:
    """Median time and processor time in milliseconds by name."""
    flags = [f"--benchmark_repetitions={repetitions}", "--benchmark_min_time=0.02", "--benchmark_format=json"]
    done = subprocess.run([*command, *flags], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    runs: dict[str, dict[str, list[float]]] = {}
    for run in json.loads(done.stdout)["benchmarks"]:
        if run.get("error_occurred"):
            raise RuntimeError(f"{run['name']}: {run['error_message']}")
        if run["run_type"] != "iteration":
            continue
        to_ms = {"ns": 1e-6, "us": 1e-3, "ms": 1.0}[run["time_unit"]]
        times = runs.setdefault(run["name"].split("/")[0], {"time": [], "cpu": []})
        times["time"].append(run["real_time"] * to_ms)
        times["cpu"].append(run["cpu_time"] * to_ms)
    return {name: {kind: median(values) for kind, values in times.items()} for name, times in runs.items()}


def measure_diff(build: Path, repetitions: int, with_valgrind: bool) -> dict:
    binary = str(build / "tests/bench/bench_diff")
    result = google_benchmark([binary], repetitions)
    if with_valgrind:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("diff_nothing_to_do", "diff_cold"):
                progress(f"instructions of {name}")
                once = [binary, f"--benchmark_filter={name}", "--benchmark_min_time=0"]
                only = ["--toggle-collect=ambient::plan::diff(*"]
                result[name]["instructions"] = instructions(once, Path(folder) / name, only)
    return result


def measure_node(build: Path, scene: Scene, stand_in: bool, repetitions: int, adds: int, with_valgrind: bool) -> dict:
    agent = build / ("tests/bench/node-agent-stand-in" if stand_in else "node-agent/ambient-node-agent")
    bench = scene.inside(str(build / "tests/bench/bench_agent"), str(scene.config))
    progress(f"{scene.pods} pods: reconcile")
    result: dict = {"reconcile": google_benchmark(bench, repetitions)}
    progress(f"{scene.pods} pods: agent and plugin as processes")
    # As installed, like the Go plugin: what a linker wrote stands in the page cache in small pieces, which costs each start.
    installed = shutil.copy(build / "cni-plugin/ambient-cni", scene.folder)
    plugin = Plugin(scene, Path(installed))
    with running_agent(scene, agent) as running:
        result["started_s"] = running.started
        result["memory_kib"] = running.memory()
        plugin.check_that_it_captures()
        runs = alternate(plugin, adds)
        result["process_ms"] = {name: median(run.time for run in values) for name, values in runs.items()}
        result["process_cpu_ms"] = {name: median(run.cpu for run in values) for name, values in runs.items()}
        result["memory_after_adds_kib"] = running.memory()
        if with_valgrind:
            progress("instructions of plugin ADD")
            environment, stdin = plugin.call("ADD", plugin.ambient[0])
            out = scene.folder / "callgrind.add"
            result["add_instructions"] = instructions(plugin.command, out, [], environment, stdin)
    return result


def inside(scene: Scene) -> None:
    """Moves this process into the node's namespace; the processes that are timed are its children."""
    import ctypes

    with open(f"/run/netns/{scene.netns('node')}", "rb") as netns:
        if ctypes.CDLL(None, use_errno=True).setns(netns.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--stand-in", action="store_true", help="veth devices for the tunnels: no Geneve here")
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--adds", type=int, default=200)
    parser.add_argument("--pods", type=int, nargs="+", default=SIZES, help="sizes of the node")
    parser.add_argument("--no-valgrind", action="store_true")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    if options.stand_in:
        os.environ["AMBIENT_BENCH_STAND_IN"] = "1"
    result: dict = {"kernel": os.uname().release, "stand_in": options.stand_in, "nodes": {}}
    progress("diff")
    result["diff"] = measure_diff(options.build, options.repetitions, not options.no_valgrind)
    with tempfile.TemporaryDirectory(prefix="ambient-bench-") as folder:
        for pods in options.pods:
            progress(f"{pods} pods: making their namespaces and devices")
            with scene_of(Path(folder) / str(pods), pods) as scene:
                inside(scene)
                result["nodes"][pods] = measure_node(
                    options.build, scene, options.stand_in, options.repetitions, options.adds,
                    pods == LARGE and not options.no_valgrind,
                )  # fmt: skip
    options.output.write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
