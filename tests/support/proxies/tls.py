"""TLS contexts of the ztunnel stand-in: mutual, TLS 1.3, identity read from the SPIFFE URI."""

import asyncio
import functools
import pathlib
import ssl

from .certs import certificate_path


class IdentityError(Exception):
    """The peer proved another identity than the one expected."""


@functools.lru_cache(maxsize=None)
def context(folder, namespace: str, service_account: str, server: bool) -> ssl.SSLContext:
    """The context that shows this service account's certificate and demands one of the same CA."""
    side = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
    result = ssl.SSLContext(side)
    result.minimum_version = ssl.TLSVersion.TLSv1_3
    # Names play no part in SPIFFE: peer_identity() is compared by the caller.
    result.check_hostname = False
    result.verify_mode = ssl.CERT_REQUIRED
    result.load_verify_locations(pathlib.Path(folder) / "ca.pem")
    path = certificate_path(folder, namespace, service_account)
    result.load_cert_chain(path, path.with_suffix(".key"))
    result.set_alpn_protocols(["h2"])
    return result


async def accept(sock, server_context: ssl.SSLContext):
    """The handshake as the server: (reader, writer, the client's identity)."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    # Not start_server(): the context depends on the address that the connection was meant for.
    transport, protocol = await loop.connect_accepted_socket(
        lambda: asyncio.StreamReaderProtocol(reader), sock, ssl=server_context)
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    return reader, writer, _identity_or_close(writer)


async def connect(sock, client_context: ssl.SSLContext, identity: str):
    """The handshake as the client, with a server that must have this identity: (reader, writer)."""
    reader, writer = await asyncio.open_connection(sock=sock, ssl=client_context,
                                                   server_hostname="")
    found = _identity_or_close(writer)
    if found != identity:
        writer.close()
        raise IdentityError(f"the server is {found}, expected {identity}")
    return reader, writer


def _identity_or_close(writer: asyncio.StreamWriter) -> str:
    certificate = writer.get_extra_info("peercert") or {}
    uris = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
    if len(uris) != 1:
        writer.close()
        # An SVID carries exactly one URI SAN (SPIFFE X.509-SVID, section 2).
        raise IdentityError(f"the peer's certificate has {len(uris)} URI names, not one")
    return uris[0]
