"""Shows the main job on real packets: three paths through four nodes, with what was counted at
every step.

Usage: PYTHONPATH=tests python3 -m demo [--keep]. It needs root, a kernel with geneve and
nf_tables, and AMBIENT_BUILD, AMBIENT_CNITOOL and AMBIENT_ENVOY in the environment: `./run demo` at
the top of the repository sees to all of that.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo import paths
from demo.manifests import Manifests
from demo.steps import report, travel
from support.cluster.cluster import Cluster
from support.cluster.datapath import Product
from support.cluster.model import APP_PORT, PODS

HERE = Path(__file__).resolve().parent

REQUEST = """echo '{"upload":0,"download":0}'"""
LOOK_AROUND = f"""It stays up while this shell lives; `exit` takes it down. To look around:
  ip netns                                            nodes, ztunnels (zt-a ...), pods
  ip netns exec node-a ip rule                        which mark leads where
  ip netns exec node-a ip route show table 100        enrolled pods, towards ztunnel
  ip netns exec node-a nft list table inet ambient    captured pods, marks, counters
  ip netns exec zt-a nft list table inet ambient      what ztunnel's namespace does with them
  ip netns exec node-a ip -d link show istioout       the Geneve device
  ip netns exec sleep-sc nft list table inet ambient-sidecar    what leads to a sidecar and back
One more request along path 1; the answer tells whom the server saw:
  {REQUEST} | ip netns exec sleep busybox nc {PODS["httpbin-sc"].address} {APP_PORT}"""


class Progress:
    """Says what begins, and how long the thing before it took."""

    def __init__(self) -> None:
        self._began: float | None = None

    def say(self, text: str) -> None:
        self.done()
        print(f"--> {text}", end=" ", flush=True)
        self._began = time.monotonic()

    def done(self) -> None:
        if self._began is not None:
            print(f"({time.monotonic() - self._began:.1f} s)", flush=True)
            self._began = None


def show(cluster: Cluster, progress: Progress) -> bool:
    """Sends a request along each path; whether every step was passed."""
    complete = True
    for make in paths.ALL:
        path = make(cluster.veths)
        progress.say(f"a request from {path.client} to {path.destination[0]}:{path.destination[1]}")
        measured = travel(cluster, path)
        progress.done()
        print(f"\n{report(path, measured)}\n", flush=True)
        complete = complete and all(result.count > 0 for result in measured)
    print(
        "every step of every path was passed"
        if complete
        else "a step was NOT passed: its count is 0"
    )
    return complete


def main() -> int:
    parser = argparse.ArgumentParser(description="the main job on real packets, step by step")
    parser.add_argument(
        "--keep", action="store_true", help="leave it up, in a shell, to look around"
    )
    options = parser.parse_args()
    progress = Progress()
    store = Manifests(HERE / "manifests")
    with tempfile.TemporaryDirectory(prefix="ambient-demo-") as folder:
        progress.say("nodes a to d: network namespaces on one underlay")
        cluster = Cluster(Path(folder), Product(), store.pods, store)
        try:
            cluster.start(progress.say)
            progress.done()
            complete = show(cluster, progress)
            if options.keep:
                print(f"{LOOK_AROUND}\nConfiguration of agents and plugins: {folder}", flush=True)
                subprocess.run([os.environ.get("SHELL", "/bin/bash")], check=False)
        finally:
            progress.say("taking it all down")
            cluster.stop()
            progress.done()
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
