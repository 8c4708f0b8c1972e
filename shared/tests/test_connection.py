"""Connections as the services serve them: released when closed, kept while busy, ended when idle for too long."""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress

import pytest

from tessera_shared.config import Listen
from tessera_shared.http.server import _config, _Connections, _serve_until, open_port

REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


def answering(chunks, *, delay=0.0, sent=None):
    """An application that answers with these chunks, `delay` seconds after the request."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        await asyncio.sleep(delay)
        length = str(sum(map(len, chunks))).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if sent is not None:
                sent.append(len(chunk))
        await send({"type": "http.response.body"})

    return app


@pytest.fixture
def served():
    @asynccontextmanager
    async def serving(app, keep_alive=75.0):
        port = open_port(Listen(port=0))
        number = port.getsockname()[1]
        config = _config()
        config.keep_alive_timeout = keep_alive
        stop = asyncio.Event()
        running = asyncio.create_task(_serve_until(stop.wait, _Connections(app, config), port))
        try:
            yield number, stop
        finally:
            stop.set()
            await asyncio.wait_for(running, 5)

    return serving


async def opened(number):
    for _attempt in range(100):
        with suppress(ConnectionRefusedError):
            return await asyncio.open_connection("127.0.0.1", number)
        await asyncio.sleep(0.01)
    raise AssertionError("nothing listens")


async def ask(reader, writer, size=2):
    writer.write(REQUEST)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 200")
    return await asyncio.wait_for(reader.readexactly(size), 5)


async def tasks_become(count):
    for _attempt in range(200):
        if len(asyncio.all_tasks()) <= count:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_connection_that_its_client_closed_while_idle_is_released_at_once(served):
    async with served(answering([b"ok"])) as (number, _stop):
        (await opened(number))[1].close()
        await asyncio.sleep(0.1)
        before = len(asyncio.all_tasks())
        for _connection in range(20):
            reader, writer = await opened(number)
            assert await ask(reader, writer) == b"ok"
            writer.close()
        assert await tasks_become(before)


async def test_many_requests_on_one_connection_leave_no_tasks_behind(served):
    async with served(answering([b"ok"])) as (number, _stop):
        reader, writer = await opened(number)
        assert await ask(reader, writer) == b"ok"
        await asyncio.sleep(0.1)
        before = len(asyncio.all_tasks())
        for _request in range(50):
            assert await ask(reader, writer) == b"ok"
        assert await tasks_become(before)
        writer.close()


async def test_idle_connection_is_closed_after_the_keep_alive_timeout(served):
    async with served(answering([b"ok"]), keep_alive=0.3) as (number, _stop):
        reader, writer = await opened(number)
        for _request in range(4):  # each request starts the time anew
            await asyncio.sleep(0.2)
            assert await ask(reader, writer) == b"ok"
        started = asyncio.get_running_loop().time()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert 0.2 <= asyncio.get_running_loop().time() - started < 2
        writer.close()


async def test_busy_connection_outlives_the_keep_alive_timeout(served):
    async with served(answering([b"ok"], delay=0.6), keep_alive=0.2) as (number, _stop):
        reader, writer = await opened(number)
        assert await ask(reader, writer) == b"ok"
        writer.close()


async def test_stop_closes_idle_connections_and_lets_busy_ones_answer(served):
    async with served(answering([b"ok"], delay=0.3)) as (number, stop):
        idle_reader, idle_writer = await opened(number)
        busy_reader, busy_writer = await opened(number)
        assert await ask(idle_reader, idle_writer) == b"ok"
        busy = asyncio.create_task(ask(busy_reader, busy_writer))
        await asyncio.sleep(0.1)
        stop.set()
        assert await asyncio.wait_for(idle_reader.read(), 5) == b""
        assert await busy == b"ok"
        assert await asyncio.wait_for(busy_reader.read(), 5) == b""
        idle_writer.close()
        busy_writer.close()


async def test_head_and_body_of_a_small_answer_arrive_together(served):
    async with served(answering([b"x" * 1000])) as (number, _stop):
        _reader, writer = await opened(number)  # so that it listens
        with socket.create_connection(("127.0.0.1", number), timeout=5) as plain:
            plain.sendall(REQUEST)
            # a thread of its own receives while the server is still between one piece and the next
            assert (await asyncio.to_thread(plain.recv, 65536)).endswith(b"x" * 1000)
        writer.close()


async def test_body_in_pieces_of_all_sizes_arrives_in_order(served):
    chunks = [bytes([65 + number % 26]) * size for number, size in enumerate((1, 20_000, 3, 16_384, 5, 100_000, 7) * 3)]
    body = b"".join(chunks)
    async with served(answering(chunks)) as (number, _stop):
        reader, writer = await opened(number)
        for _request in range(2):
            assert await ask(reader, writer, len(body)) == body
        writer.close()


async def test_client_that_does_not_read_holds_the_application_back(served):
    sent: list[int] = []
    chunks = [b"x" * 8000] * 5000
    async with served(answering(chunks, sent=sent)) as (number, _stop):
        reader, writer = await opened(number)
        writer.write(REQUEST)
        await asyncio.sleep(0.5)
        held_back_at = len(sent)
        await asyncio.sleep(0.2)
        assert 0 < len(sent) == held_back_at < len(chunks)
        writer.transport.abort()
        del reader


async def test_piece_of_an_answer_does_not_wait_for_the_acknowledgement_of_the_last():
    seen = []

    async def note(_reader, writer):
        seen.append(bool(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    port = open_port(Listen(port=0))
    async with await asyncio.start_server(note, sock=port):
        reader, writer = await opened(port.getsockname()[1])
        await reader.read()
        writer.close()
    assert seen == [True]
