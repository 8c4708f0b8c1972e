"""The ASGI server. Only this module and `connection.py` know that it is hypercorn."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable

from hypercorn.asyncio import run as hypercorn_run
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from starlette.types import ASGIApp

from tessera_shared import logging
from tessera_shared.config import Listen
from tessera_shared.errors import StartupError
from tessera_shared.http.connection import Connection

GRACE_SECONDS = 10
"""How long requests that run may take to end after SIGTERM."""


def open_port(listen: Listen) -> socket.socket:
    """Bind the port.

    Raises:
        StartupError: Names the address and why it cannot be bound.

    """
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    port = socket.socket(family, socket.SOCK_STREAM)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        port.bind((listen.host, listen.port))
    except OSError as error:
        port.close()
        raise StartupError(f"listen: {listen.host}:{listen.port}: {error.strerror or error}") from error
    return port


async def serve(app: ASGIApp, port: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then let running requests end."""
    stop = _stop_signal()
    hypercorn_run.TCPServer = Connection  # type: ignore[attr-defined,assignment]
    host, number = port.getsockname()[:2]
    logging.get().info("listening", host=host, port=number)
    await hypercorn_serve(app, _config(port), shutdown_trigger=stop, mode="asgi")  # type: ignore[arg-type]
    logging.get().info("stopped")


def _stop_signal() -> Callable[[], Awaitable[None]]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def wait() -> None:
        await stop.wait()
        logging.get().info("stopping", grace_seconds=GRACE_SECONDS)

    return wait


def _config(port: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{port.detach()}"]
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
