"""ValidatingAdmissionPolicies, decided by their own expressions: tests/deploy/cel evaluates them."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

from support.deploy import render

Object = dict[str, Any]
KIND = "ValidatingAdmissionPolicy"


@dataclass(frozen=True)
class Writer:
    """Who asks: a service account, by a token of a pod on that node (none: of no pod)."""

    node: str | None
    account: str = "system:serviceaccount:istio-system:ambient-node-agent"

    def request(self, operation: str) -> Object:
        extra = {"authentication.kubernetes.io/node-name": [self.node]} if self.node else {}
        return {"operation": operation, "userInfo": {"username": self.account, "extra": extra}}


def _is_about(policy: Object, right: str, operation: str) -> bool:
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    return rule["operations"] == [operation] and rule["resources"] == [right]


def denials(
    found: render.Objects, writer: Writer, right: str, old: Object, new: Object | None
) -> list[str]:
    """What the rendered policies say against this change; `right`: resource/subresource; without `new` it
    is a deletion."""
    operation = "UPDATE" if new else "DELETE"
    said: list[str] = []
    for policy in (one for (kind, _), one in found.items() if kind == KIND):
        if not _is_about(policy, right, operation):
            continue
        case = {
            "spec": policy["spec"],
            "request": writer.request(operation),
            "object": new,
            "oldObject": old,
        }
        done = subprocess.run(
            [os.environ["AMBIENT_ADMISSION"]],
            input=json.dumps(case),
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        said += json.loads(done.stdout) or []
    return said
