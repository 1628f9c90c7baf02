"""Every way to reach the API server and to say who we are, and what is refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from probe import Probe
from support.fake_apiserver import TOKEN, FakeApiServer, inline
from support.fake_apiserver.certificates import Authority


@pytest.fixture(autouse=True)
def one_pod(cluster: Cluster) -> None:
    cluster.put("one")


def assert_works(cluster: Cluster, trust: dict[str, Any], user: dict[str, Any]) -> None:
    with Probe(*cluster.kubeconfig(trust, user)) as probe:
        probe.wait_enrolled("one")


def assert_refused(cluster: Cluster, trust: dict[str, Any]) -> None:
    """No request was made: whoever that is never sees the token."""
    with Probe(*cluster.kubeconfig(trust)) as probe:
        probe.wait_trouble("not followed")
    assert cluster.server.requests() == []


def trusting(cluster: Cluster, **more: Any) -> dict[str, Any]:
    return {"certificate-authority": str(cluster.server.authority.file), **more}


def test_token_in_the_kubeconfig(cluster: Cluster) -> None:
    assert_works(cluster, trusting(cluster), {"token": TOKEN})


def test_token_file_goes_before_the_token(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    user = {"token": "not this one", "tokenFile": "token"}  # relative to the kubeconfig
    assert_works(cluster, trusting(cluster), user)


def test_inline_authority(cluster: Cluster) -> None:
    trust = {"certificate-authority-data": inline(cluster.server.authority.file)}
    assert_works(cluster, trust, {"token": TOKEN})


def test_client_certificate_in_files(cluster: Cluster) -> None:
    certificate, key = cluster.server.authority.client("agent")
    user = {"client-certificate": str(certificate), "client-key": str(key)}
    assert_works(cluster, trusting(cluster), user)
    assert {seen.user for seen in cluster.server.requests()} == {"agent"}


def test_client_certificate_inline(cluster: Cluster) -> None:
    certificate, key = cluster.server.authority.client("agent")
    user = {"client-certificate-data": inline(certificate), "client-key-data": inline(key)}
    assert_works(cluster, trusting(cluster), user)
    assert {seen.user for seen in cluster.server.requests()} == {"agent"}


@pytest.mark.parametrize("name", ["ca", "another"])
def test_wrong_authority_is_refused(cluster: Cluster, tmp_path: Path, name: str) -> None:
    """Also one of the same name: every kubeadm cluster's is called "kubernetes"."""
    other = Authority(tmp_path / "other", name)
    assert_refused(cluster, {"certificate-authority": str(other.file)})


def test_other_host_name_is_refused(cluster: Cluster) -> None:
    cluster.server.use_names("other.example.org")
    assert_refused(cluster, trusting(cluster))


def test_tls_server_name(cluster: Cluster) -> None:
    cluster.server.use_names("other.example.org")
    trust = trusting(cluster, **{"tls-server-name": "other.example.org"})
    assert_works(cluster, trust, {"token": TOKEN})


def test_insecure_skip_tls_verify(cluster: Cluster) -> None:
    cluster.server.use_names("other.example.org")
    assert_works(cluster, {"insecure-skip-tls-verify": True}, {"token": TOKEN})


def test_ipv6_server(tmp_path: Path) -> None:
    with FakeApiServer(tmp_path / "six", "::1") as server:
        cluster = Cluster(server, tmp_path)
        cluster.put("one")
        assert_works(cluster, trusting(cluster), {"token": TOKEN})


def test_in_cluster(cluster: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    (folder / "ca.crt").write_bytes(cluster.server.authority.file.read_bytes())
    environment = {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(cluster.server.port),
    }
    with Probe("--service-account", str(folder), **environment) as probe:
        probe.wait_enrolled("one")


def test_token_is_read_again_as_it_rotates(cluster: Cluster, tmp_path: Path) -> None:
    """The old one is 401 from some moment on."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with Probe(*cluster.kubeconfig(user={"tokenFile": str(token)})) as probe:
        probe.wait_enrolled("one")
        cluster.server.wait_watched("namespaces", "pods")
        fresh = tmp_path / "fresh"
        fresh.write_text("second-token")
        fresh.rename(token)
        cluster.server.set_tokens("second-token")
        cluster.server.break_watches()
        cluster.put("two")
        probe.wait_enrolled("one", "two")
    used = {seen.request.headers["authorization"] for seen in cluster.server.requests()}
    assert "Bearer second-token" in used


def test_client_certificate_is_read_again_as_it_rotates(cluster: Cluster, tmp_path: Path) -> None:
    """An idle connection says who we were: it is not used any more."""
    certificate, key = tmp_path / "client.crt", tmp_path / "client.key"

    def become(user: str) -> None:
        for new, path in zip(cluster.server.authority.client(user), (certificate, key), strict=True):
            fresh = path.with_suffix(".new")
            fresh.write_bytes(new.read_bytes())
            fresh.rename(path)

    def user_of_a_fetch(probe: Probe) -> str:
        assert probe.fetch("mesh/one") == "ok"
        return cluster.server.requests("get", "pods")[-1].user

    become("first")
    user = {"client-certificate": str(certificate), "client-key": str(key)}
    with Probe(*cluster.kubeconfig(user=user)) as probe:
        probe.wait_enrolled("one")
        assert user_of_a_fetch(probe) == "first"
        become("second")
        assert user_of_a_fetch(probe) == "second"


def test_authority_is_read_again_as_it_rotates(cluster: Cluster, tmp_path: Path) -> None:
    """A connection to a server that would not be trusted any more is not used any more."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(cluster.server.authority.file.read_bytes())
    with Probe(*cluster.kubeconfig({"certificate-authority": str(authority)})) as probe:
        probe.wait_enrolled("one")
        assert probe.fetch("mesh/one") == "ok"
        authority.write_bytes(Authority(tmp_path / "other").file.read_bytes())
        assert probe.fetch("mesh/one") == "unavailable"


def test_connections_have_a_longest_life(cluster: Cluster) -> None:
    """Reused until then; busy ones, too, are closed some day: whoever balances load counts on it."""

    def connections() -> list[int]:
        return [seen.connection for seen in cluster.server.requests("get", "pods")]

    with Probe(*cluster.kubeconfig(), "--connection-seconds", "1") as probe:
        probe.wait_enrolled("one")
        deadline = time.monotonic() + 20
        while len(set(connections())) < 2:
            assert time.monotonic() < deadline
            assert probe.fetch("mesh/one") == "ok"
    assert connections().count(connections()[0]) > 1


def test_token_that_comes_late(cluster: Cluster, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("stale-token")
    with Probe(*cluster.kubeconfig(user={"tokenFile": str(token)})) as probe:
        cluster.server.wait_requests("list", "pods", 1)
        token.write_text(TOKEN)
        probe.wait_enrolled("one")


def test_token_is_never_told(cluster: Cluster, tmp_path: Path) -> None:
    cluster.server.set_tokens()
    with Probe(*cluster.kubeconfig(user={"token": "do-not-tell"})) as probe:
        probe.wait_trouble("unauthorized")
    assert "do-not-tell" not in probe.said()
