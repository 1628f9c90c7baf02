"""Flows F1 to F12 and connections in flight on each other shape of primary network: the tests of the files
that they come from, once more. With `--shape NAME` all of those files run on one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from test_enrolment import outside_at_first, test_i2_i3_connections_live_over_enrolment  # noqa: F401
from test_flows_ambient import *  # noqa: F403
from test_flows_datagrams import *  # noqa: F403
from test_flows_inbound import *  # noqa: F403
from test_flows_services import *  # noqa: F403
from test_flows_sidecar import *  # noqa: F403
from test_inflight import test_i8_conntrack_flushed  # noqa: F401

from support.cluster.cluster import Cluster
from support.cluster.model import APP_PORT, NODES, PODS
from support.cluster.traffic import exchange
from support.shapes import SHAPES
from support.shapes.shape import shaped

SHORT = 2.0
# test_inflight.py has the third one; test_flows_services.py has all of them on ptp.
MODES = {"calico": "iptables-legacy", "aws": "nftables", "firewalld": "iptables-legacy"}


@pytest.fixture(scope="module", params=SHAPES)
def shape(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[str]:
    with shaped(cluster, SHAPES[request.param]):
        yield request.param


@pytest.fixture(scope="module", autouse=True)
def kube_proxy(shape: str, cluster: Cluster) -> Iterator[None]:
    """In place of test_flows_services.py's, which runs every mode."""
    with cluster.kube_proxy(MODES[shape]):
        yield


def test_a_rule_for_every_mark_would_fail_here(cluster: Cluster) -> None:
    """0.1.0 had one: then the way back to a captured pod is istioin."""
    netns = cluster.netns[NODES["a"].netns]
    target = (PODS["server"].address, APP_PORT)
    netns.ip("rule add pref 99 lookup 100")
    try:
        with pytest.raises(OSError):
            exchange(cluster.netns["sleep"], target, timeout=SHORT)
    finally:
        netns.ip("rule del pref 99 lookup 100")
    cluster.exchange("sleep", target)
