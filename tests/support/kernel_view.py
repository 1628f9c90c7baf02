"""What `ip`, `nft` and /proc/sys say about a namespace: the second opinion on what the product
programmed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from support.netns import Netns

FILTER_TABLE = "ambient"
LOOSE_REVERSE_PATH = 2
_VOLATILE = re.compile(r"packets \d+ bytes \d+|handle \d+|expires \S+|\bcache\b")


def links(netns: Netns) -> dict[str, dict[str, object]]:
    """Name to `ip -json -details link` entry."""
    return {
        link["ifname"]: link
        for link in json.loads(netns.command("ip", "-json", "-details", "link"))
    }


def routes(netns: Netns, table: int | str) -> list[str]:
    """Routes of one table; none when the table does not exist (iproute2 calls that an error)."""
    text = netns.command("ip", "route", "show", "table", "all")
    wanted = f"table {table}"
    return [
        line.replace(wanted, "").strip() for line in text.splitlines() if f"{wanted} " in f"{line} "
    ]


def rules(netns: Netns) -> list[str]:
    return netns.command("ip", "rule").splitlines()


def _comparable(listing: str) -> str:
    """A listing without counters, set elements sorted: nft prints them in the order of a hash."""

    def in_order(match: re.Match[str]) -> str:
        elements = sorted(element.strip() for element in match.group(1).split(","))
        return f"elements = {{ {', '.join(elements)} }}"

    return re.sub(r"elements = \{(.*?)\}", in_order, _VOLATILE.sub("", listing), flags=re.DOTALL)


def _tables(listing: str) -> list[list[str]]:
    """nft prints tables, and what is in them, in the order in which they were made."""
    tables = re.split(r"^(?=table )", listing, flags=re.M)
    return sorted(
        sorted(
            part.rstrip().removesuffix("\n}")
            for part in re.split(r"^(?=\t(?:chain|set) )", table, flags=re.M)
        )
        for table in tables
    )


def filter_table(netns: Netns) -> str:
    """Our nft table without its counters; empty when it is not there."""
    tables = json.loads(netns.command("nft", "--json", "list", "tables"))["nftables"]
    if not any(entry.get("table", {}).get("name") == FILTER_TABLE for entry in tables):
        return ""
    return _comparable(netns.command("nft", "list", "table", "inet", FILTER_TABLE))


def reverse_path(netns: Netns, device: str) -> int:
    return int(netns.sysctl(f"ipv4/conf/{device}/rp_filter"))


def snapshot(netns: Netns) -> dict[str, object]:
    """Everything that we could have changed, comparable with ==. Counters and device indexes are
    left out."""
    devices = sorted(links(netns))
    return {
        "devices": devices,
        "addresses": sorted(
            (link["ifname"], address["local"], address["prefixlen"])
            for link in json.loads(netns.command("ip", "-json", "address"))
            for address in link["addr_info"]
        ),
        "rules": rules(netns),
        "routes": sorted(netns.command("ip", "route", "show", "table", "all").splitlines()),
        "filter": _tables(_comparable(netns.command("nft", "list", "ruleset"))),
        "sysctls": {
            f"{device}/{key}": netns.sysctl(f"ipv4/conf/{device}/{key}")
            for device in ("all", "default", *devices)
            for key in ("rp_filter", "accept_local", "src_valid_mark", "send_redirects")
        },
    }


@dataclass(frozen=True)
class Rule:
    """One rule of our table, with what it takes to remove or replace it."""

    chain: str
    handle: int
    text: str


def filter_rules(netns: Netns) -> list[Rule]:
    found, chain = [], ""
    listing = netns.command("nft", "--handle", "--stateless", "list", "table", "inet", FILTER_TABLE)
    for line in listing.splitlines():
        text, _, handle = line.strip().partition(" # handle ")
        if text.startswith("chain "):
            chain = text.split()[1]
        elif handle and chain and not text.startswith(("type ", "set ", "table ")):
            found.append(Rule(chain, int(handle), text))
    return found


def find_rule(netns: Netns, *parts: str, chain: str | None = None) -> Rule:
    """The one rule, of the chain if one is named, whose text has all the parts."""
    matching = [
        rule
        for rule in filter_rules(netns)
        if all(part in rule.text for part in parts) and chain in (None, rule.chain)
    ]
    listing = "\n".join(f"{rule.chain}: {rule.text}" for rule in filter_rules(netns))
    assert len(matching) == 1, f"{len(matching)} rules of {netns.name} with {parts}:\n{listing}"
    return matching[0]


def delete_rule(netns: Netns, *parts: str, chain: str | None = None) -> None:
    rule = find_rule(netns, *parts, chain=chain)
    netns.command(
        "nft", "delete", "rule", "inet", FILTER_TABLE, rule.chain, "handle", str(rule.handle)
    )
