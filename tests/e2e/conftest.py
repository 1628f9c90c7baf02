"""One cluster for the whole session. Environment: AMBIENT_CNITOOL, AMBIENT_ENVOY and AMBIENT_BIN name the programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster import Cluster
from datapath import Reference


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"), Reference())
    try:
        made.start()
        yield made
    finally:
        made.stop()
