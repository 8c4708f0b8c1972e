"""HTTP/2: an answer before the body's end reaches the client, and the connection goes on."""

import asyncio
from contextlib import asynccontextmanager

import h2.config
import h2.connection
import pytest
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router

from tessera_shared.config import Listen
from tessera_shared.http import form
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.server import _config, _Connections, _serve_until, open_port

FORM = (b"content-type", b"application/x-www-form-urlencoded")


async def ok(_request):
    return PlainTextResponse("ok")


async def read(request):
    await form.body(request)
    return PlainTextResponse("read")


APP = Exchange(Router([Route("/ok", ok), Route("/read", read, methods=["POST"])]), (), ())


class Http2Client:
    """One connection, and what was answered on it by stream."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(validate_outbound_headers=False))
        self._connection.initiate_connection()
        self.statuses, self.ended, self.terminated = {}, set(), False

    def send(self, method, path, *headers, body=None):
        """Begin a request; its body does not end."""
        stream = self._connection.get_next_available_stream_id()
        pseudo = [(b":method", method), (b":authority", b"localhost")]
        if path is not None:
            pseudo += [(b":path", path), (b":scheme", b"http")]
        self._connection.send_headers(stream, [*pseudo, *headers], end_stream=body is None)
        if body:
            self.send_body(stream, body)
        return stream

    def send_body(self, stream, body):
        """Send more of a body."""
        for start in range(0, len(body), 16_000):
            self._connection.send_data(stream, body[start : start + 16_000])

    async def receive(self, seconds, *, until=None):
        """Take in what comes until that stream has ended."""
        self._writer.write(self._connection.data_to_send())
        try:
            async with asyncio.timeout(seconds):
                while until is None or until not in self.ended:
                    data = await self._reader.read(65_536)
                    if not data:
                        self.terminated = True
                        return
                    for event in self._connection.receive_data(data):
                        self._take(event)
                    self._writer.write(self._connection.data_to_send())
        except TimeoutError:
            assert until is None, f"no answer on stream {until}"

    def _take(self, event):
        match event:
            case ResponseReceived():
                headers = dict(event.headers)
                assert b"connection" not in headers  # RFC 9113 §8.2.2
                self.statuses[event.stream_id] = int(headers[b":status"])
            case DataReceived():
                self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded() | StreamReset():
                self.ended.add(event.stream_id)
            case ConnectionTerminated():
                self.terminated = True


@asynccontextmanager
async def connected():
    port = open_port(Listen(port=0))
    number = port.getsockname()[1]
    stop = asyncio.Event()
    running = asyncio.create_task(_serve_until(stop.wait, _Connections(APP, _config()), port))
    await asyncio.sleep(0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", number)
    try:
        yield Http2Client(reader, writer)
    finally:
        writer.close()
        stop.set()
        await asyncio.wait_for(running, 5)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (b"/read", (FORM, (b"content-length", b"70000")), 413),
        (b"/read", ((b"content-type", b"text/plain"),), 415),
        (b"/nothing", (FORM,), 404),
        (b"/ok", (FORM,), 405),
    ],
)
async def test_a_body_that_goes_on_after_the_answer_does_not_end_the_connection(path, headers, status):
    async with connected() as client:
        early = client.send(b"POST", path, *headers, body=b"a")
        await client.receive(5, until=early)
        assert client.statuses[early] == status
        client.send_body(early, b"a" * 30_000)
        await client.receive(0.2)
        other = client.send(b"GET", b"/ok")
        await client.receive(5, until=other)
        assert client.statuses[other] == 200
        assert not client.terminated


@pytest.mark.parametrize(
    ("method", "path"), [(b"GET", b"/\xff"), (b"\xff", b"/ok"), (b"GET", b"/a b"), (b"CONNECT", None)]
)
async def test_a_request_that_cannot_be_read_ends_its_stream_only(method, path):
    async with connected() as client:
        odd = client.send(method, path)
        await client.receive(5, until=odd)
        assert odd not in client.statuses
        other = client.send(b"GET", b"/ok")
        await client.receive(5, until=other)
        assert client.statuses[other] == 200


async def test_an_answer_that_closes_a_connection_of_http_1_arrives_in_http_2_too(monkeypatch):
    monkeypatch.setattr(form, "BODY_SECONDS", 0.05)
    async with connected() as client:
        slow = client.send(b"POST", b"/read", FORM, body=b"a")
        await client.receive(5, until=slow)
        assert client.statuses[slow] == 408
