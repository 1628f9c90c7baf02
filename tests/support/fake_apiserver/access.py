"""Kubeconfig files, in every way in which one may name credentials."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

Fields = dict[str, Any]


def inline(path: Path) -> str:
    """As the *-data fields want it."""
    return base64.b64encode(path.read_bytes()).decode()


def write_kubeconfig(path: Path, server: str, cluster: Fields, user: Fields) -> Path:
    """One context, in use, beside one that would not work."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": "here",
        "contexts": [
            {"name": "elsewhere", "context": {"cluster": "elsewhere", "user": "nobody"}},
            {"name": "here", "context": {"cluster": "fake", "user": "agent"}},
        ],
        "clusters": [
            {"name": "elsewhere", "cluster": {"server": "https://127.0.0.1:1"}},
            {"name": "fake", "cluster": {"server": server, **cluster}},
        ],
        "users": [
            {"name": "nobody", "user": {"token": "none"}},
            {"name": "agent", "user": user},
        ],
    }
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path
