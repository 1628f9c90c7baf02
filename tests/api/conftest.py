"""A server, and a cluster in it, of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import Cluster
from probe import Probe
from support.fake_apiserver import FakeApiServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeApiServer]:
    with FakeApiServer(tmp_path / "cluster") as made:
        yield made


@pytest.fixture
def cluster(server: FakeApiServer, tmp_path: Path) -> Cluster:
    return Cluster(server, tmp_path)


@pytest.fixture
def probe(cluster: Cluster) -> Iterator[Probe]:
    """Knows all of a cluster with the pods `one` and `two`, and watches. Not patient, so that tests
    with many failures do not take long."""
    cluster.put("one", "two")
    with Probe(*cluster.kubeconfig(), "--backoff-most-ms", "1000", "--relist-spread-ms", "100") as made:
        made.wait_enrolled("one", "two")
        cluster.server.wait_watched("namespaces", "pods")
        yield made
