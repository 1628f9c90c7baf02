"""Serves a made-up cluster until its standard input ends: to try a client by hand.

    PYTHONPATH=tests python3 -m support.fake_apiserver FOLDER [--namespaces N] [--pods N] [--node NAME]

FOLDER then holds `kubeconfig`; every fifth namespace is ambient, the pods are spread over all.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from support.fake_apiserver import TOKEN, FakeApiServer, objects, write_kubeconfig


def main() -> None:
    parser = argparse.ArgumentParser(prog="fake_apiserver")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--namespaces", type=int, default=10)
    parser.add_argument("--pods", type=int, default=20)
    parser.add_argument("--node", default="node-a")
    arguments = parser.parse_args()
    with FakeApiServer(arguments.folder, arguments.address, arguments.port) as server:
        fill(server, arguments.namespaces, arguments.pods, arguments.node)
        config = write_kubeconfig(
            arguments.folder / "kubeconfig",
            server.url,
            {"certificate-authority": str(server.authority.file)},
            {"token": TOKEN},
        )
        print(config, flush=True)
        sys.stdin.read()


def fill(server: FakeApiServer, namespaces: int, pods: int, node: str) -> None:
    server.put(
        "namespaces",
        *(
            objects.namespace(f"space-{i}", objects.AMBIENT if i % 5 == 0 else None)
            for i in range(namespaces)
        ),
    )
    server.put(
        "pods",
        *(
            objects.pod(f"pod-{i}", f"space-{i % namespaces}", node, f"10.1.{i // 250}.{i % 250 + 1}")
            for i in range(pods)
        ),
    )


if __name__ == "__main__":
    main()
