"""Counts packets by their mark, with rules of our own that stand right behind the product's."""

from __future__ import annotations

import json
from dataclasses import dataclass

from support.netns import Netns

TABLE = "mark_probe"
BEHIND_OURS = 301  # the product's last prerouting chain stands at 300


@dataclass(frozen=True)
class Mark:
    """Packets from `src` to `dst` that carry the mark when the product's prerouting chains have seen
    them."""

    value: int
    mask: int
    src: str
    dst: str
    syn_only: bool = False

    @property
    def rule(self) -> str:
        syn = "tcp flags & (syn | ack) == syn " if self.syn_only else "meta l4proto tcp "
        mark = f"meta mark & {self.mask:#x} == {self.value:#x}"
        return f"ip saddr {self.src} ip daddr {self.dst} {syn}{mark}"


class MarkProbe:
    """Context manager: counts in one namespace while it lasts."""

    def __init__(self, netns: Netns, marks: list[Mark]) -> None:
        self._netns = netns
        self._marks = marks

    def __enter__(self) -> MarkProbe:
        counters = "\n".join(f"  counter c{number} {{ }}" for number in range(len(self._marks)))
        rules = "\n".join(
            f"    {mark.rule} counter name c{n}" for n, mark in enumerate(self._marks)
        )
        self._netns.nft(
            f"table inet {TABLE} {{\n{counters}\n  chain prerouting {{\n"
            f"    type filter hook prerouting priority {BEHIND_OURS}\n{rules}\n  }}\n}}\n"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._netns.command("nft", "delete", "table", "inet", TABLE)

    def counts(self) -> list[int]:
        """Packets so far, in the order of the marks."""
        listing = json.loads(
            self._netns.command("nft", "--json", "list", "counters", "table", "inet", TABLE)
        )
        entries = [entry["counter"] for entry in listing["nftables"] if "counter" in entry]
        packets = {counter["name"]: counter["packets"] for counter in entries}
        return [packets[f"c{number}"] for number in range(len(self._marks))]
