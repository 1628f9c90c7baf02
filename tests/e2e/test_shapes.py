"""Flows F1 to F12 and I2 to I5 on each other shape of primary network: tests of the flows' own files, once
more. With `--shape NAME` all of those files run on one, with every mode of kube-proxy and I1 to I8."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import test_enrolment
import test_flows_ambient
import test_flows_datagrams
import test_flows_inbound
import test_flows_services
import test_flows_sidecar

from support.cluster.cluster import Cluster
from support.cluster.model import APP_PORT, NODES, PODS
from support.cluster.traffic import exchange
from support.shapes import SHAPES
from support.shapes.shape import shaped

SHORT = 2.0
# Each on one shape; test_flows_services.py has all of them.
MODES = {"calico": "iptables-nft", "aws": "iptables-legacy", "firewalld": "nftables"}


outside_at_first = test_enrolment.outside_at_first
test_i2_i3_connections_live_over_enrolment = test_enrolment.test_i2_i3_connections_live_over_enrolment
test_i4_i5_connections_live_over_unenrolment = test_enrolment.test_i4_i5_connections_live_over_unenrolment
test_f4a_same_node = test_flows_ambient.test_f4a_same_node
test_f4a_same_node_by_a_tunnel = test_flows_ambient.test_f4a_same_node_by_a_tunnel
test_f4b_other_node = test_flows_ambient.test_f4b_other_node
test_f12_own_connection_of_ztunnel = test_flows_ambient.test_f12_own_connection_of_ztunnel
test_f9_ping = test_flows_datagrams.test_f9_ping
test_f9_udp = test_flows_datagrams.test_f9_udp
test_ambient_pod_to_its_host = test_flows_inbound.test_ambient_pod_to_its_host
test_f5d_plain_to_plain = test_flows_inbound.test_f5d_plain_to_plain
test_f6b_host_of_another_node_is_captured = test_flows_inbound.test_f6b_host_of_another_node_is_captured
test_plain_to_ambient = test_flows_inbound.test_plain_to_ambient
test_probe_from_the_pods_own_node = test_flows_inbound.test_probe_from_the_pods_own_node
test_f4c_service_backed_by_the_pod_itself = test_flows_services.test_f4c_service_backed_by_the_pod_itself
test_f5c_plain_to_service_of_ambient = test_flows_services.test_f5c_plain_to_service_of_ambient
test_f6c_host_to_service_of_local_ambient = test_flows_services.test_f6c_host_to_service_of_local_ambient
test_f6g_ambient_to_service_of_host_process = test_flows_services.test_f6g_ambient_to_service_of_host_process
test_f7_ambient_to_service = test_flows_services.test_f7_ambient_to_service
test_f8a_dns_of_ambient_is_captured = test_flows_services.test_f8a_dns_of_ambient_is_captured
test_f8b_dns_of_plain_is_not = test_flows_services.test_f8b_dns_of_plain_is_not
test_f10_ambient_to_outside_the_cluster = test_flows_services.test_f10_ambient_to_outside_the_cluster
test_node_port = test_flows_services.test_node_port
test_f1_ambient_to_sidecar = test_flows_sidecar.test_f1_ambient_to_sidecar
test_f2a_sidecar_to_ambient_plaintext = test_flows_sidecar.test_f2a_sidecar_to_ambient_plaintext
test_f2b_sidecar_to_ambient_hbone = test_flows_sidecar.test_f2b_sidecar_to_ambient_hbone
test_f3c_ambient_to_waypoint = test_flows_sidecar.test_f3c_ambient_to_waypoint


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
