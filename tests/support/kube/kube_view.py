"""Who is captured: what the kernel says, and what the API's objects ask for, worked out here once
more from the rules that docs/configuration.md tells."""

from __future__ import annotations

import json
from typing import Any

from support.kernel_view import FILTER_TABLE
from support.netns import Netns

INBOUND_TABLE = 100
MODE = "istio.io/dataplane-mode"
EXCLUDED = ("kube-system", "istio-system")


def captured_by_filter(node: Netns) -> set[str]:
    """Addresses in the set of our table; empty when there is no table."""
    listing = json.loads(node.command("nft", "--json", "list", "sets"))["nftables"]
    for entry in listing:
        found = entry.get("set", {})
        if (found.get("table"), found.get("name")) == (FILTER_TABLE, "pods4"):
            names = found.get("elem", [])
            return {each["elem"]["val"] if isinstance(each, dict) else each for each in names}
    return set()


def captured_by_route(node: Netns) -> set[str]:
    """Addresses that are routed through a tunnel; others there are neighbours, as the ztunnel."""
    listing = node.command("ip", "-json", "route", "show", "table", "all")
    return {
        route["dst"]
        for route in json.loads(listing)
        if route.get("table") == str(INBOUND_TABLE) and "gateway" in route and "/" not in route["dst"]
    }


def is_ztunnel(pod: dict[str, Any]) -> bool:
    metadata = pod["metadata"]
    return (
        metadata["namespace"] == "istio-system"
        and metadata["labels"].get("app") == "ztunnel"
        and pod["spec"]["serviceAccountName"] == "ztunnel"
    )


def wants_capture(pod: dict[str, Any], space: dict[str, Any] | None) -> bool:
    metadata = pod["metadata"]
    annotations = metadata.get("annotations", {})
    if pod["spec"].get("hostNetwork") or is_ztunnel(pod) or metadata["namespace"] in EXCLUDED:
        return False
    if "sidecar.istio.io/status" in annotations:
        return False
    if annotations.get("ambient.istio.io/redirection") == "disabled":
        return False
    if pod["status"]["phase"] in ("Succeeded", "Failed") or "podIP" not in pod["status"]:
        return False
    mode = metadata["labels"].get(MODE)
    if mode in ("ambient", "none"):
        return mode == "ambient"
    return space is not None and space["metadata"]["labels"].get(MODE) == "ambient"


def expected(
    pods: list[dict[str, Any]], spaces: list[dict[str, Any]], node_name: str
) -> set[str]:
    """The addresses that have to be captured on this node."""
    by_name = {space["metadata"]["name"]: space for space in spaces}
    return {
        pod["status"]["podIP"]
        for pod in pods
        if pod["spec"]["nodeName"] == node_name
        and wants_capture(pod, by_name.get(pod["metadata"]["namespace"]))
    }
