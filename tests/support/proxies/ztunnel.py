"""A *stand-in* for Istio's ztunnel, for tests: not ztunnel, but the same sockets.

It accepts what TPROXY gives to 15001 (from pods of this node), 15006 (to them, plaintext) and 15008
(to them, HBONE), and goes on as ztunnel 1.18 does, with the pod's own address as the source.
README.md says what it does and what it leaves out.
"""

import argparse
import asyncio
import contextlib
import ipaddress
import signal
import socket
import ssl

from . import tls, tproxy
from .address import Endpoint
from .dns import DnsServer
from .event_log import EventLog
from .hbone import HboneSession, HboneStream, TunnelRefused
from .streams import TcpStream, owned, relay
from .workloads import HBONE_PORT, Hop, Mesh

OUTBOUND_PORT = 15001
PLAINTEXT_PORT = 15006
DNS_PORT = 15053
XDS_BYTES = 400_000

# What one connection may fail with, and others go on. Anything else is a bug and ends the process.
EXPECTED = (OSError, LookupError, ValueError, tls.IdentityError, TunnelRefused)


class Ztunnel:
    def __init__(self, options: argparse.Namespace):
        self._options = options
        self._mesh = Mesh(options.workloads)
        self._log = EventLog()
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._tasks:
            for port, handler in ((OUTBOUND_PORT, self._outbound),
                                  (PLAINTEXT_PORT, self._inbound_plaintext),
                                  (HBONE_PORT, self._inbound_hbone)):
                for sock in tproxy.listeners(port):
                    self._tasks.create_task(self._serve(sock, handler))
            if self._options.dns_answer:
                await loop.create_datagram_endpoint(
                    lambda: DnsServer(DNS_PORT, self._options.dns_answer, self._log),
                    local_addr=(self._options.address, DNS_PORT))
            if self._options.xds:
                loop.add_signal_handler(signal.SIGUSR1, self._start, self._connect_xds)
            loop.add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
            self._log.ready()

    async def _serve(self, listener: socket.socket, handler) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(listener)
            self._start(handler, sock)

    def _start(self, handler, *arguments) -> None:
        self._tasks.create_task(self._guard(handler, *arguments))

    @staticmethod
    async def _guard(handler, *arguments) -> None:
        with contextlib.suppress(*EXPECTED):  # the log has told, or both sides saw the reset
            await handler(*arguments)

    async def _outbound(self, sock: socket.socket) -> None:
        with owned(await TcpStream.of(sock)) as downstream:
            source, destination = _addresses(sock)
            async with contextlib.AsyncExitStack() as stack:
                with self._log.connection(OUTBOUND_PORT, source, destination) as record:
                    self._mesh.refresh()
                    hop = self._mesh.next_hop(destination, self._options.node)
                    record.update(upstream=hop.target, authority=hop.authority,
                                  hbone=hop.authority is not None)
                    upstream = await stack.enter_async_context(self._dial(hop, source, record))
                await relay(downstream, upstream)

    @contextlib.asynccontextmanager
    async def _dial(self, hop: Hop, source: Endpoint, record: dict):
        """The stream towards `hop`, in a tunnel of the source pod's identity if it has to be."""
        workload = self._mesh.workload(source.ip)
        record["identity"] = workload and workload.identity
        if hop.authority and not workload:
            raise LookupError(f"no workload has the source address {source.ip}")
        sock = await self._connect(hop.target, source, record)
        if not hop.authority:
            with owned(await TcpStream.of(sock)) as stream:
                yield stream
            return
        context = tls.context(self._options.certs, workload.namespace, workload.service_account,
                              server=False)
        session = HboneSession(*await tls.connect(sock, context, hop.identity), client=True)
        with contextlib.closing(session):
            self._start(session.run)
            with owned(await session.connect(str(hop.authority))) as stream:
                yield stream

    async def _inbound_plaintext(self, sock: socket.socket) -> None:
        with owned(await TcpStream.of(sock)) as downstream:
            source, destination = _addresses(sock)
            with self._log.connection(PLAINTEXT_PORT, source, destination) as record:
                upstream = await TcpStream.of(await self._connect(destination, source, record))
            with owned(upstream):
                await relay(downstream, upstream)

    async def _inbound_hbone(self, sock: socket.socket) -> None:
        with contextlib.ExitStack() as refuse:
            refuse.callback(sock.close)
            source, destination = _addresses(sock)
            with self._log.connection(HBONE_PORT, source, destination, only_failure=True):
                context = self._server_context(destination)
                refuse.pop_all()  # from here on the transport owns the socket
                reader, writer, identity = await tls.accept(sock, context)

        def on_connect(stream: HboneStream, authority: str) -> None:
            self._start(self._serve_tunnel, stream, authority, source, destination, identity)

        await HboneSession(reader, writer, client=False, on_connect=on_connect).run()

    def _server_context(self, destination: Endpoint) -> ssl.SSLContext:
        """What the pod itself would show, were it the server."""
        self._mesh.refresh()
        workload = self._mesh.workload(destination.ip)
        if not workload:
            raise LookupError(f"no workload has the address {destination.ip}")
        return tls.context(self._options.certs, workload.namespace, workload.service_account,
                           server=True)

    async def _serve_tunnel(self, stream: HboneStream, authority: str, source: Endpoint,
                            destination: Endpoint, identity: str) -> None:
        with owned(stream):
            with self._log.connection(HBONE_PORT, source, destination) as record:
                record.update(hbone=True, identity=identity, authority=authority)
                try:
                    target = Endpoint.parse(authority)
                    if target.ip != destination.ip:
                        raise ValueError(f"authority {authority} is not at {destination.ip}")
                    upstream = await TcpStream.of(await self._connect(target, source, record))
                except ValueError:
                    stream.answer(400)
                    raise
                except OSError:
                    stream.answer(503)
                    raise
            with owned(upstream):
                stream.answer(200)
                await relay(stream, upstream)

    async def _connect(self, target: Endpoint, source: Endpoint, record: dict) -> socket.socket:
        # A pod that reaches itself by a service: its own address as the source would be a martian
        # to it, so ztunnel (1.18, freebind_connect) shows its own.
        sock = await tproxy.connect(target, None if source.ip == target.ip else source.ip)
        record.update(upstream=target, upstream_src=Endpoint.of(sock.getsockname()))
        return sock

    async def _connect_xds(self) -> None:
        """A connection of ztunnel's own, like those to istiod: sends, and counts the echo."""
        with self._log.connection("xds") as record:
            target = Endpoint.parse(self._options.xds)
            sock = await tproxy.connect(target, None)
            source = Endpoint.of(sock.getsockname())
            record.update(src=source, dst=target, upstream=target, upstream_src=source)
            with owned(await TcpStream.of(sock)) as stream:
                sending = asyncio.create_task(_send(stream, bytes(XDS_BYTES)))
                received = 0
                while data := await stream.read():
                    received += len(data)
                await sending
            record.update(sent=XDS_BYTES, received=received)


def _addresses(sock: socket.socket) -> tuple[Endpoint, Endpoint]:
    """The source, and the original destination, which TPROXY leaves as the socket's own name."""
    destination = Endpoint.of(sock.getsockname())
    if ipaddress.ip_address(destination.ip).is_loopback:
        raise ValueError("a connection to the listener itself")  # or it would go on to itself
    return Endpoint.of(sock.getpeername()), destination


async def _send(stream: TcpStream, data: bytes) -> None:
    await stream.write(data)
    await stream.write_eof()


def main() -> None:
    parser = argparse.ArgumentParser(description="stand-in for ztunnel (tests only)")
    parser.add_argument("--address", required=True, help="the ztunnel pod's own address")
    parser.add_argument("--node", required=True, help="name of the node it serves")
    parser.add_argument("--certs", required=True, help="folder of certs.CertificateFolder")
    parser.add_argument("--workloads", required=True, help="JSON file, see README.md")
    parser.add_argument("--dns-answer", help="serve DNS on 15053, every A record is this")
    parser.add_argument("--xds", help="ADDRESS:PORT to connect to at every SIGUSR1")
    ztunnel = Ztunnel(parser.parse_args())
    with contextlib.suppress(asyncio.CancelledError):  # SIGTERM
        asyncio.run(ztunnel.run())


if __name__ == "__main__":
    main()
