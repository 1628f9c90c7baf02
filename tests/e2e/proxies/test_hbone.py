"""HTTP/2 CONNECT and TLS identities, over a socket pair."""

import asyncio
import contextlib
import socket

import pytest

from support.proxies import tls
from support.proxies.certs import spiffe_id
from support.proxies.hbone import HboneSession, TunnelRefused

LARGE = bytes(range(256)) * 4000  # many times the window of a stream, 65,535 bytes


@contextlib.asynccontextmanager
async def sessions(serve):
    """A client session whose CONNECTs go to serve(stream, authority)."""
    near, far = socket.socketpair()
    async with asyncio.TaskGroup() as tasks:
        server = HboneSession(*await asyncio.open_connection(sock=far), client=False,
                              on_connect=lambda *request: tasks.create_task(serve(*request)))
        client = HboneSession(*await asyncio.open_connection(sock=near), client=True)
        for session in (server, client):
            tasks.create_task(session.run())
        with contextlib.closing(client):
            yield client


async def read_all(stream) -> bytes:
    data = b""
    while chunk := await stream.read():
        data += chunk
    return data


def run(test) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(30):
            await test
    asyncio.run(in_time())


def test_two_tunnels_in_one_connection_carry_their_own_bytes():
    async def echo(stream, authority: str) -> None:
        stream.answer(200)
        data = await read_all(stream)
        await stream.write(authority.encode() + data)
        await stream.write_eof()

    async def exchange(client: HboneSession, authority: str) -> bytes:
        stream = await client.connect(authority)
        await stream.write(LARGE)
        await stream.write_eof()
        return await read_all(stream)

    async def test() -> None:
        async with sessions(echo) as client:
            answers = await asyncio.gather(exchange(client, "one:1"), exchange(client, "two:2"))
        assert answers == [b"one:1" + LARGE, b"two:2" + LARGE]
    run(test())


def test_a_sender_waits_for_a_reader():
    """Back-pressure: of what nobody reads, a window is on the way and no more."""
    reading = asyncio.Event()

    async def late_reader(stream, authority: str) -> None:
        stream.answer(200)
        if authority == "late:1":
            await reading.wait()
            assert await read_all(stream) == LARGE
        await stream.write_eof()

    async def test() -> None:
        async with sessions(late_reader) as client:
            stream = await client.connect("late:1")
            sending = asyncio.create_task(stream.write(LARGE))
            # An exchange later the peer has seen, and answered, all that could be sent.
            assert await read_all(await client.connect("prompt:1")) == b""
            assert not sending.done()
            reading.set()
            await sending
            await stream.write_eof()
            assert await read_all(stream) == b""
    run(test())


def test_a_refusal_is_an_error_with_its_status():
    async def refuse(stream, _authority: str) -> None:
        stream.answer(503)

    async def test() -> None:
        async with sessions(refuse) as client:
            with pytest.raises(TunnelRefused, match="503"):
                await client.connect("a:1")
    run(test())


def test_a_reset_reaches_reader_and_writer_of_the_other_side():
    async def reset(stream, _authority: str) -> None:
        stream.answer(200)
        await stream.read()
        stream.abort()

    async def test() -> None:
        async with sessions(reset) as client:
            stream = await client.connect("a:1")
            with pytest.raises(ConnectionResetError):
                await stream.write(LARGE)
            with pytest.raises(ConnectionResetError):
                await read_all(stream)
    run(test())


def test_the_end_of_the_connection_ends_its_tunnels():
    async def answer(stream, _authority: str) -> None:
        stream.answer(200)
        with contextlib.suppress(ConnectionResetError):
            await stream.read()

    async def test() -> None:
        async with sessions(answer) as client:
            stream = await client.connect("a:1")
            client.close()
            with pytest.raises(ConnectionResetError):
                await stream.read()
    run(test())


def test_anything_but_http2_is_refused():
    async def test() -> None:
        near, far = socket.socketpair()
        with near:
            near.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            session = HboneSession(*await asyncio.open_connection(sock=far), client=False)
            with pytest.raises(ConnectionAbortedError, match="HTTP/2"):
                await session.run()
    run(test())


@pytest.mark.parametrize("expected", ["app", "other"])
def test_client_takes_only_the_identity_it_expects(certs, expected):
    certs.issue("default", "app")
    server_context = tls.context(certs.path, "default", "app", server=True)
    client_context = tls.context(certs.path, "default", "app", server=False)

    async def test() -> None:
        near, far = socket.socketpair()
        accepting = asyncio.create_task(tls.accept(far, server_context))
        connecting = tls.connect(near, client_context, spiffe_id("default", expected))
        if expected == "app":
            await connecting
        else:
            with pytest.raises(tls.IdentityError, match="sa/app, expected .*sa/other"):
                await connecting
        assert (await accepting)[2] == spiffe_id("default", "app")
    run(test())
