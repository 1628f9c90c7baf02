"""An agent on a node of its own, its source a folder or an API server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "install"), str(TESTS / "api")]

from fake_apiserver import FakeApiServer  # noqa: E402

from node import Node  # noqa: E402


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeApiServer]:
    with FakeApiServer(tmp_path / "cluster") as made:
        yield made


@pytest.fixture
def cluster_node(tmp_path: Path, server: FakeApiServer) -> Node:
    return Node(tmp_path, server)
