"""A test certificate authority that issues workload certificates with SPIFFE identities.

Istio's identity of a workload is the URI SAN of its X.509 certificate
(SPIFFE X.509-SVID, section 2): spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE_ACCOUNT.
"""

import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TRUST_DOMAIN = "cluster.local"
LIFETIME = datetime.timedelta(days=30)
# A virtual machine's clock may be a little behind the machine that issued the certificate.
CLOCK_SKEW = datetime.timedelta(days=1)


def spiffe_id(namespace: str, service_account: str) -> str:
    return f"spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{service_account}"


def certificate_path(folder, namespace: str, service_account: str) -> pathlib.Path:
    return pathlib.Path(folder) / f"{namespace}.{service_account}.pem"


class CertificateFolder:
    """A new authority and what it issues, in one folder: ca.pem, NAMESPACE.ACCOUNT.pem and .key."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.ca_file = self.path / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ambient test CA")])
        basic = x509.BasicConstraints(ca=True, path_length=0)
        builder = self._builder(self._name, self._key).add_extension(basic, critical=True)
        self._write(self.ca_file, self._sign(builder))

    def issue(self, namespace: str, service_account: str) -> pathlib.Path:
        """Writes certificate and key of a service account; returns the certificate's path."""
        key = ec.generate_private_key(ec.SECP256R1())
        uri = x509.UniformResourceIdentifier(spiffe_id(namespace, service_account))
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                       ExtendedKeyUsageOID.CLIENT_AUTH])
        # An SVID's subject is empty and its SAN therefore critical (RFC 5280, 4.2.1.6).
        builder = (self._builder(x509.Name([]), key)
                   .add_extension(x509.SubjectAlternativeName([uri]), critical=True)
                   .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                   .add_extension(usage, critical=False))
        path = certificate_path(self.path, namespace, service_account)
        self._write(path, self._sign(builder))
        key_path = path.with_suffix(".key")
        key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                               serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        return path

    def _builder(self, subject: x509.Name, key) -> x509.CertificateBuilder:
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - CLOCK_SKEW).not_valid_after(now + LIFETIME))

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self._key, hashes.SHA256())

    @staticmethod
    def _write(path: pathlib.Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
