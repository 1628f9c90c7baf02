"""The test authority: what its certificates say, read back by another implementation (openssl)."""

import subprocess

from support.proxies.certs import CertificateFolder, spiffe_id


def openssl(*arguments) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    return done.stdout + done.stderr


def test_certificate_names_exactly_the_identity(tmp_path):
    path = CertificateFolder(tmp_path).issue("shop", "cart")
    names = openssl("x509", "-in", path, "-noout", "-ext", "subjectAltName", "-subject")
    assert names.split() == ["X509v3", "Subject", "Alternative", "Name:", "critical",
                             "URI:" + spiffe_id("shop", "cart"), "subject="]
    assert spiffe_id("shop", "cart") == "spiffe://cluster.local/ns/shop/sa/cart"


def test_certificate_is_trusted_by_its_own_authority_only(tmp_path):
    own, other = CertificateFolder(tmp_path / "own"), CertificateFolder(tmp_path / "other")
    path = own.issue("shop", "cart")
    for purpose in ("sslserver", "sslclient"):
        assert openssl("verify", "-purpose", purpose, "-CAfile", own.ca_file, path).endswith("OK\n")
    assert "verification failed" in openssl("verify", "-CAfile", other.ca_file, path)
