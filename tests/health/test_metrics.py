"""/metrics, by Prometheus' own parser."""

from __future__ import annotations

import json
import re
from pathlib import Path

from node import NAME, Node, get
from prometheus_client.parser import text_string_to_metric_families
from support.fake_apiserver import objects
from support.installation import wait_until

ROOT = Path(__file__).resolve().parents[2]


def scrape() -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Samples by name and labels."""
    samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(get("/metrics")[1]):
        assert family.documentation and family.type in ("counter", "gauge", "histogram")
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in samples.setdefault(sample.name, {}), "the same sample twice"
            samples[sample.name][labels] = sample.value
    return samples


def value(name: str, **labels: str) -> float:
    return scrape()[name].get(tuple(sorted(labels.items())), 0)


def test_a_foreign_ztunnel_is_counted_and_not_believed(cluster_node: Node, server) -> None:
    foreign = objects.pod("thief", "default", NAME, "10.1.0.1", labels={"app": "ztunnel"})
    server.put("namespaces", objects.namespace("default"))
    with cluster_node.agent() as agent:
        wait_until(lambda: value("ambient_source_synced") == 1, agent.process, "synced")
        assert value("ambient_ztunnel_claims_refused_total") == 0
        server.put("pods", foreign)
        agent.wait_for_line("ztunnel refused", "default/thief")
        assert value("ambient_ztunnel_claims_refused_total") == 1
        assert "no ztunnel" in get("/readyz")[1]


def test_wanted_and_not_captured_is_missing(cluster_node: Node, server) -> None:
    server.put("namespaces", objects.namespace("mesh", objects.AMBIENT))
    server.put("pods", objects.pod("web", "mesh", NAME, "10.1.0.1"))
    with cluster_node.agent() as agent:
        wait_until(lambda: value("ambient_pods", state="wanted") == 1, agent.process, "wanted")
        assert value("ambient_pods", state="captured") == 0
        assert value("ambient_pods", state="missing") == 1
        assert value("ambient_reconciles_total", scope="all", result="failure") > 0
        assert value("ambient_drift_age_seconds") > 0


def test_requests_and_watches_are_counted(cluster_node: Node, server) -> None:
    with cluster_node.agent() as agent:
        server.wait_watched("namespaces", "pods")
        code = {"verb": "list", "resource": "pods", "code": "200"}
        assert value("ambient_api_requests_total", **code) == 1
        server.break_watches("pods")

        def restarts() -> float:
            samples = scrape().get("ambient_api_watch_restarts_total", {})
            return sum(count for labels, count in samples.items() if ("resource", "pods") in labels)

        wait_until(lambda: restarts() == 1, agent.process, "the watch begins again")


def test_the_installation_is_counted(node: Node) -> None:
    with node.installed_agent() as agent:
        wait_until(lambda: value("ambient_installed") == 1, agent.process, "installed")
        assert value("ambient_install_writes_total", what="plugin") == 1
        assert value("ambient_install_writes_total", what="entry_added") == 1


def names_in_the_source() -> set[str]:
    """Every metric that an agent can show, also those of which a test has none."""
    text = (ROOT / "node-agent" / "report" / "metrics.cpp").read_text()
    return set(re.findall(r'"((?:ambient|process)_[a-z_]+)"', text))


def test_an_agent_shows_what_its_source_names(cluster_node: Node) -> None:
    with cluster_node.agent():
        shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in scrape()}
    assert shown <= names_in_the_source()
    assert {"ambient_pods", "ambient_build_info", "process_open_fds"} <= shown


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    documented = set(re.findall(r"^\| `((?:ambient|process)_[a-z_]+)", text, re.MULTILINE))
    assert documented == names_in_the_source()


def test_the_dashboard_asks_for_metrics_that_exist() -> None:
    dashboard = json.loads((ROOT / "manifests" / "grafana" / "ambient-cni.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert queries
    for query in queries:
        asked = set(re.findall(r"\b(?:ambient|process)_[a-z_]+", query))
        assert asked, query
        for name in asked:
            assert re.sub(r"_(bucket|count|sum)$", "", name) in names_in_the_source(), query
