"""One cluster for the whole session. The environment names the programs: see README.md."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from support.cluster.cluster import Cluster
from support.cluster.datapath import Product
from support.shapes import SHAPES
from support.shapes.shape import shaped

LOG_LINES_SHOWN = 40


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shape", choices=SHAPES, help="the primary network of the flow tests is of this shape"
    )


@pytest.fixture(scope="session")
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"), Product())
    name = request.config.getoption("--shape")
    try:
        made.start()
        with shaped(made, SHAPES[name]) if name else contextlib.nullcontext():
            yield made
    finally:
        made.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Shows with a failure what the agents and proxies said."""
    report = (yield).get_result()
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.when == "call" and report.failed and cluster is not None:
        for name, lines in cluster.logs().items():
            report.sections.append((name, "\n".join(lines[-LOG_LINES_SHOWN:])))
