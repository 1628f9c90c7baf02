"""An agent on a node of its own, its source a folder or an API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fake_apiserver import FakeApiServer

from node import Node


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
