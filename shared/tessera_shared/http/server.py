"""The ASGI server. Only this module, `connection.py` and `http2.py` know that it is hypercorn.

hypercorn 0.18 listens by itself, but tells the application nothing of a client's certificate. So the ports are opened
and closed here, and hypercorn gets each connection.
"""

import asyncio
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from hypercorn import protocol as hypercorn_protocol
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.utils import wrap_app
from starlette.types import ASGIApp

from tessera_shared import logging
from tessera_shared.config import Listen
from tessera_shared.errors import StartupError
from tessera_shared.http.connection import Connection
from tessera_shared.http.http2 import Http2
from tessera_shared.http.tls_extension import with_tls_extension

GRACE_SECONDS = 10
"""How long requests that run may take to end after SIGTERM."""
_HANDSHAKE_SECONDS = 10.0


def open_port(listen: Listen) -> socket.socket:
    """Bind the port.

    Raises:
        StartupError: Names the address and why it cannot be bound.

    """
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it answers in pieces wait for ACKs
    port = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        port.bind((listen.host, listen.port))
    except OSError as error:
        port.close()
        raise StartupError(f"listen: {listen.host}:{listen.port}: {error.strerror or error}") from error
    return port


@dataclass(frozen=True, slots=True)
class TlsPort:
    """A port that speaks TLS, and its settings."""

    port: socket.socket
    context: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class SidePort:
    """A port of its own for another application, such as the metrics."""

    port: socket.socket
    app: ASGIApp


async def serve(app: ASGIApp, port: socket.socket, tls: TlsPort | None = None, side: SidePort | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then let running requests end."""
    await _serve_until(_stop_signal(), _Connections(app, _config()), port, tls, side)
    logging.get().info("stopped")


async def _serve_until(
    stop: Callable[[], Awaitable[object]],
    connections: "_Connections",
    port: socket.socket,
    tls: TlsPort | None = None,
    side: SidePort | None = None,
) -> None:
    servers = [await connections.listen(port)]
    if tls is not None:
        servers.append(await connections.listen(tls.port, tls.context))
    if side is not None:
        servers.append(await connections.listen(side.port, app=side.app))
    await stop()
    for server in servers:
        server.close()
    await connections.end()


class _Connections:
    """Every open connection: hypercorn speaks HTTP on it, and the application is told what a TLS handshake showed."""

    def __init__(self, app: ASGIApp, config: Config) -> None:
        hypercorn_protocol.H2Protocol = Http2  # type: ignore[attr-defined]  # there is no other way to say so
        self._app = app
        self._config = config
        self._context = WorkerContext(None)
        self._open: set[asyncio.Task[None]] = set()

    async def listen(
        self, port: socket.socket, tls: ssl.SSLContext | None = None, app: ASGIApp | None = None
    ) -> asyncio.Server:
        """Take connections on a port, for the application or another one."""
        host, number = port.getsockname()[:2]
        logging.get().info("listening", host=host, port=number, tls=tls is not None)
        handshake = None if tls is None else _HANDSHAKE_SECONDS
        return await asyncio.start_server(
            partial(self._serve, app or self._app),
            sock=port,
            ssl=tls,
            backlog=self._config.backlog,
            ssl_handshake_timeout=handshake,
        )

    async def end(self) -> None:
        """End idle connections now, the others when their requests are answered, or when the grace time is over."""
        await self._context.terminated.set()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=GRACE_SECONDS)
            for connection in late:
                connection.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, app: ASGIApp, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        connection: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        told = app if connection is None else with_tls_extension(app, connection)
        wrapped = wrap_app(told, self._config.wsgi_max_body_size, "asgi")  # type: ignore[arg-type]
        loop = asyncio.get_running_loop()
        await Connection(wrapped, loop, self._config, self._context, {}, reader, writer)


def _stop_signal() -> Callable[[], Awaitable[None]]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def wait() -> None:
        await stop.wait()
        logging.get().info("stopping", grace_seconds=GRACE_SECONDS)

    return wait


def _config() -> Config:
    config = Config()
    config.accesslog = None  # the exchange writes the log line
    config.errorlog = "-"
    config.loglevel = "WARNING"
    config.graceful_timeout = GRACE_SECONDS
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 100_000
    config.h11_max_incomplete_size = 64 * 1024
    config.include_date_header = False  # the exchange writes it
    config.include_server_header = False
    return config
