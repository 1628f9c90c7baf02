"""What the rendered roles allow, as the API server's RBAC authorizer decides it."""

from __future__ import annotations

from typing import Any

from support.deploy import render
from support.fake_apiserver import Seen


def _rule_allows(rule: dict[str, Any], seen: Seen) -> bool:
    named = rule.get("resourceNames")
    words = seen.request.path.split("/")  # /api/VERSION/... or /apis/GROUP/VERSION/...
    group = words[2] if words[1] == "apis" else ""
    return (
        group in rule["apiGroups"]
        and seen.target.right in rule["resources"]
        and seen.verb in rule["verbs"]
        and (named is None or seen.target.name in named)
    )


def allows(found: render.Objects, seen: Seen) -> bool:
    """A ClusterRole counts everywhere, a Role in its namespace."""
    everywhere = render.one(found, "ClusterRole")
    here = render.one(found, "Role")
    rules = list(everywhere["rules"])
    if seen.target.space == here["metadata"]["namespace"]:
        rules += here["rules"]
    return any(_rule_allows(rule, seen) for rule in rules)
