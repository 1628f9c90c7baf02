"""A path as numbered steps, each with evidence that is measured while a request travels it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from support.cluster.capture import Capture
from support.cluster.cluster import Cluster
from support.cluster.hops import Hop, measure
from support.cluster.marks import Mark, MarkProbe
from support.cluster.traffic import TRANSFER, Address


@dataclass(frozen=True)
class Marked:
    """Packets that carry a mark in a namespace."""

    netns: str
    mark: Mark

    def __str__(self) -> str:
        mark = f"{self.mark.value:#x}/{self.mark.mask:#x}"
        return f"{self.netns}: {self.mark.src} > {self.mark.dst} with mark {mark}"


@dataclass(frozen=True)
class Accepted:
    """A connection that a proxy says it accepted, from a pod's address."""

    proxy: str
    listener: int | str
    source: str  # its address, without the port
    destination: str  # as the proxy saw it: the original one

    def count(self, cluster: Cluster) -> int:
        """How many connections the proxy logged; the first one is waited for.

        Told apart by their source ports: Envoy logs each at several events.
        """
        proxy = cluster.mesh.proxies[self.proxy]
        proxy.wait_record(listener=self.listener, dst=self.destination)
        return len(
            {
                record["src"]
                for record in proxy.records()
                if record.get("listener") == self.listener
                and record["dst"] == self.destination
                and record["src"].startswith(f"{self.source}:")
            }
        )

    def __str__(self) -> str:
        return f"{self.proxy}, listener {self.listener}: {self.source} > {self.destination}"


@dataclass(frozen=True)
class Step:
    what: str
    evidence: Hop | Marked | Accepted


@dataclass(frozen=True)
class Path:
    title: str
    client: str
    destination: Address
    steps: list[Step]


@dataclass(frozen=True)
class Measured:
    step: Step
    count: int


def travel(cluster: Cluster, path: Path) -> list[Measured]:
    """Sends one request along the path, 400 kB each way, and counts at every step."""
    hops = [step.evidence for step in path.steps if isinstance(step.evidence, Hop)]
    marked = [step.evidence for step in path.steps if isinstance(step.evidence, Marked)]
    accepted = [step.evidence for step in path.steps if isinstance(step.evidence, Accepted)]
    counts: dict[Hop | Marked | Accepted, int] = {}
    with contextlib.ExitStack() as stack:
        probes = {
            name: stack.enter_context(
                MarkProbe(cluster.netns[name], [m.mark for m in marked if m.netns == name])
            )
            for name in sorted({m.netns for m in marked})
        }
        watched = [cluster.netns[name] for name in sorted({hop.netns for hop in hops})]
        capture = stack.enter_context(Capture(watched))
        cluster.exchange(path.client, path.destination)
        for name, probe in probes.items():
            counts.update(zip((m for m in marked if m.netns == name), probe.counts(), strict=True))
        counts.update(zip(hops, measure(capture, hops), strict=True))
    counts.update((evidence, evidence.count(cluster)) for evidence in accepted)
    return [Measured(step, counts[step.evidence]) for step in path.steps]


def report(path: Path, measured: list[Measured]) -> str:
    lines = [
        path.title,
        f"  {TRANSFER // 1000} kB sent and {TRANSFER // 1000} kB received; counted on the way:",
    ]
    for number, result in enumerate(measured, start=1):
        unit = "connection" if isinstance(result.step.evidence, Accepted) else "packet"
        plural = "" if result.count == 1 else "s"
        lines.append(f"  ({number:2}) {result.step.what}")
        lines.append(f"       {result.count:5} {unit + plural:11}  {result.step.evidence}")
    return "\n".join(lines)
