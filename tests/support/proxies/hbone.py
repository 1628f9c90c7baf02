"""HBONE: TCP streams in HTTP/2 CONNECT requests (RFC 9113, section 8.5), inside mutual TLS.

One HboneSession is one HTTP/2 connection, of either side. It knows nothing of TLS or sockets:
it is given asyncio streams.
"""

import asyncio
from collections.abc import Callable

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from .streams import CHUNK


class TunnelRefused(Exception):
    """The CONNECT was answered, but not with 200."""


class HboneStream:
    """One CONNECT tunnel as a stream; the session feeds it."""

    def __init__(self, session: "HboneSession", number: int):
        self._session = session
        self._inbox: asyncio.Queue[tuple[bytes, int] | Exception] = asyncio.Queue()
        self.number = number
        self.failure: Exception | None = None
        self.status = asyncio.get_running_loop().create_future()

    async def read(self) -> bytes:
        item = await self._inbox.get()
        if isinstance(item, Exception):
            raise item
        data, length = item
        # Acknowledged when taken, not when it came: that is the back-pressure.
        self._session.acknowledge(self.number, length)
        return data

    async def write(self, data: bytes) -> None:
        while data:
            data = data[await self._session.send(self, data):]

    async def write_eof(self) -> None:
        await self._session.end(self)

    def abort(self) -> None:
        self._session.reset(self)

    def answer(self, status: int) -> None:
        """The server's answer; anything but 200 ends the stream."""
        if not self.failure:
            self._session.respond(self.number, status)

    def close(self) -> None:
        self._session.forget(self.number)

    def feed(self, data: bytes, length: int) -> None:
        self._inbox.put_nowait((data, length))

    def fail(self, error: Exception) -> None:
        self.failure = error
        self._inbox.put_nowait(error)
        if not self.status.done():
            self.status.set_exception(error)
            self.status.exception()  # read here, for nobody may be waiting for it


class HboneSession:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: bool,
                 on_connect: Callable[[HboneStream, str], None] | None = None):
        self._reader = reader
        self._writer = writer
        self._on_connect = on_connect
        self._streams: dict[int, HboneStream] = {}
        self._window = asyncio.Event()
        # h2 4.1 wants :path and :scheme in every request; a CONNECT must not have them.
        config = h2.config.H2Configuration(client_side=client, header_encoding="utf-8",
                                           validate_inbound_headers=False,
                                           validate_outbound_headers=False)
        self._h2 = h2.connection.H2Connection(config)
        self._h2.initiate_connection()
        self._flush()

    async def run(self) -> None:
        """Serves the connection until its end; then every stream left open fails."""
        try:
            while data := await self._reader.read(CHUNK):
                for event in self._h2.receive_data(data):
                    self._handle(event)
                self._flush()
        except h2.exceptions.ProtocolError as error:
            self._flush()  # the GOAWAY that says why
            raise ConnectionAbortedError(f"HTTP/2: {error}") from error
        except OSError:
            # After our own close() what the peer still sent is an error to the ssl module.
            if not self._writer.is_closing():
                raise
        finally:
            for stream in self._streams.values():
                stream.fail(ConnectionResetError("the HBONE connection has ended"))
            self._wake_senders()
            self._writer.close()

    async def connect(self, authority: str) -> HboneStream:
        """Opens a tunnel as the client; raises TunnelRefused when the peer does not want it."""
        stream = self._add(self._h2.get_next_available_stream_id())
        self._h2.send_headers(stream.number, [(":method", "CONNECT"), (":authority", authority)])
        self._flush()
        status = await stream.status
        if status != "200":
            raise TunnelRefused(f"CONNECT {authority}: status {status}")
        return stream

    def close(self) -> None:
        self._writer.close()

    def respond(self, number: int, status: int) -> None:
        self._h2.send_headers(number, [(":status", str(status))], end_stream=status != 200)
        self._flush()

    def forget(self, number: int) -> None:
        self._streams.pop(number, None)

    def acknowledge(self, number: int, length: int) -> None:
        if length:
            self._h2.acknowledge_received_data(length, number)
            self._flush()

    async def send(self, stream: HboneStream, data: bytes) -> int:
        """Sends as much as the peer's window takes now; returns how much that was."""
        while True:
            if stream.failure:
                raise stream.failure
            room = min(self._h2.local_flow_control_window(stream.number),
                       self._h2.max_outbound_frame_size, len(data))
            if room > 0:
                self._h2.send_data(stream.number, data[:room])
                self._flush()
                await self._writer.drain()
                return room
            await self._window.wait()

    async def end(self, stream: HboneStream) -> None:
        if stream.failure:
            raise stream.failure
        self._h2.end_stream(stream.number)
        self._flush()
        await self._writer.drain()

    def reset(self, stream: HboneStream) -> None:
        if stream.failure or self._writer.is_closing():
            return
        try:
            self._h2.reset_stream(stream.number, h2.errors.ErrorCodes.CANCEL)
        except h2.exceptions.StreamClosedError:
            return  # both sides had ended it
        stream.fail(ConnectionAbortedError("the tunnel was reset"))
        self._flush()

    def _add(self, number: int) -> HboneStream:
        self._streams[number] = HboneStream(self, number)
        return self._streams[number]

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            headers = dict(event.headers)
            stream = self._add(event.stream_id)
            if headers.get(":method") != "CONNECT" or not self._on_connect:
                stream.answer(405)
            else:
                self._on_connect(stream, headers.get(":authority", ""))
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self._wake_senders()
        elif stream := self._streams.get(getattr(event, "stream_id", None)):
            self._handle_on(stream, event)

    def _handle_on(self, stream: HboneStream, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            if not stream.status.done():
                stream.status.set_result(dict(event.headers).get(":status"))
        elif isinstance(event, h2.events.DataReceived):
            if event.data:
                stream.feed(event.data, event.flow_controlled_length)
            else:
                self.acknowledge(stream.number, event.flow_controlled_length)
        elif isinstance(event, h2.events.StreamEnded):
            stream.feed(b"", 0)
        elif isinstance(event, h2.events.StreamReset):
            stream.fail(ConnectionResetError(f"the peer reset the tunnel ({event.error_code})"))
            self._wake_senders()

    def _wake_senders(self) -> None:
        self._window.set()  # resumes every waiting send() ...
        self._window.clear()  # ... which looks at its own window again

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)
